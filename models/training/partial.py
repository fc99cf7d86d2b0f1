"""Partial training: a few parameters of a trained model learn on a text, and all others stay as they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from torch import nn
from transformers import PreTrainedModel

from headscope.models.checkpoints import OpenedModel, save
from headscope.models.data.material import Material
from headscope.models.fitting.count import Count
from headscope.models.fitting.fit import accelerator_of, fit, fitting_of, watch_no_record
from headscope.models.fitting.formats import narrow_weights, widen_weights
from headscope.models.fitting.history import Record
from headscope.models.fitting.sole import sole_training
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.own_text import own_text_material
from headscope.models.training.recipe import Recipe
from headscope.models.training.run import Run, refuse_other_run, sign

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Course:
    """What a part learns from: the text, as a recipe's table `data` names it, steps, rate, and windows of a step.

    context: tokens of a window, or the model's own if that is shorter.
    """

    data: Mapping[str, object] = field(default_factory=lambda: {"source": "stdlib"})
    steps: int = 300
    lr: float = 1e-3
    batch: int = 8
    context: int = 256
    seed: int = 0
    validation_windows: int = 64


@dataclass(frozen=True)
class LearnedPart:
    """What learns: its name in a recipe, and the attention of the model that has it.

    alone: gives the same model, in place, with the part, which alone asks for gradients.
    """

    name: str
    attention: AttentionSpec
    alone: Callable[[PreTrainedModel], PreTrainedModel]


@dataclass(frozen=True)
class LearningOutcome:
    """What came of it: parameters, and nats per token of the same held-out windows before, attached, and after.

    new: parameters that the model did not have before. trained: those that learned.
    """

    folder: Path
    new: int
    trained: Count
    loss_before: float
    loss_attached: float
    loss_after: float

    def to_json(self) -> dict[str, int | float]:
        """The numbers as plain values."""
        counts = {
            "new_parameters": self.new,
            "trained_parameters": self.trained.counted,
            "parameters": self.trained.all,
        }
        losses = {name: getattr(self, name) for name in ("loss_before", "loss_attached", "loss_after")}
        return {**counts, "percent": self.trained.percent, **losses}


def train_part(
    opened: OpenedModel, part: LearnedPart, course: Course, out: Path, watch: Callable[[Record], None] = watch_no_record
) -> LearningOutcome:
    """Train a part of a model that came with its tokenizer, and save the model in `out`; it is changed in place.

    Called again, it goes on where it was stopped. All other weights of `out` are those of the source, bit for bit.
    Raises ValueError for an `out` that holds something else.
    """
    formats, before = widen_weights(opened.model), opened.model.num_parameters()
    recipe = recipe_of(opened, part, course)
    material = own_text_material(opened, recipe.data, recipe.batch, recipe.seed)
    refuse_other_run(recipe, material.facts, out)
    accelerator = accelerator_of(recipe.precision)
    losses = [held_out_loss(opened.model, material, accelerator)]
    model = part.alone(opened.model)
    losses.append(held_out_loss(model, material, accelerator))
    fitting = fitting_of(model, material.objective, recipe.plan, out, accelerator)
    trained = model_after_training(Run(recipe, material, fitting), watch)
    losses.append(held_out_loss(trained, material, accelerator))
    save(narrow_weights(trained, formats), out, tokenizer=opened.tokenizer)
    count = Count(trained.num_parameters(only_trainable=True), trained.num_parameters())
    return LearningOutcome(out, count.all - before, count, *losses)


def recipe_of(opened: OpenedModel, part: LearnedPart, course: Course) -> Recipe:
    """What decides the run; the model is named by what its folder holds."""
    config = opened.model.config
    shown = {
        "vocabulary": config.vocab_size,
        "context": min(course.context, getattr(config, "max_position_embeddings", course.context)),
        "validation_windows": course.validation_windows,
    }
    return Recipe(
        model={part.name: opened.fingerprint},
        attention=part.attention.to_json(),
        data=dict(course.data) | shown,
        steps=course.steps,
        lr=course.lr,
        batch=course.batch,
        seed=course.seed,
        warmup=min(20, course.steps // 5),
        measure_every=max(1, course.steps // 4),
        snapshots=0,
    )


def held_out_loss(model: PreTrainedModel, material: Material, accelerator: "Accelerator") -> float:
    """Nats per token of the held-out windows, rounded as a history has it."""
    on_device = nn.Module.to(model, accelerator.device).eval()
    return round(material.objective.measure(accelerator, on_device)["validation_loss"], 6)


def model_after_training(run: Run, watch: Callable[[Record], None]) -> PreTrainedModel:
    """The run's model after its last step, in eval mode; nobody else trains in its folder meanwhile."""
    run.folder.mkdir(parents=True, exist_ok=True)
    main = run.fitting.accelerator.is_main_process
    with sole_training(run.folder, main=main):
        if main:
            sign(run)
        model = fit(run.fitting, watch)
    return cast(PreTrainedModel, model).eval()
