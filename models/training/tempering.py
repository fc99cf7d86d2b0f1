"""Tempering: a softmax model from a folder learns temperatures on a text, and is saved as a selective one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn
from transformers import PreTrainedModel

from models.checkpoints import OpenedModel, open_folder, save
from models.checkpoints.loading import place_of
from models.spec import AttentionSpec
from models.training.corpus import Corpus
from models.training.fit import accelerator_of, fit, fitting_of, unwatched
from models.training.history import Record
from models.training.json_file import write_json
from models.training.loss import next_token_objective, validation_loss
from models.training.own_tokens import corpus_in_tokens_of
from models.training.recipe import Recipe
from models.training.run import Run, refuse_other_run, sign
from models.training.sole import sole_training
from models.training.tempered import Count, count, narrowed, tempered, widened

FACTS = "tempering.json"


@dataclass(frozen=True)
class Tempering:
    """How a model is tempered: the temperatures' options, the text, steps, rate, and windows of a step.

    context: tokens of a window, or the model's own if that is shorter.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    corpus: Mapping[str, Any] = field(default_factory=lambda: {"source": "stdlib"})
    steps: int = 300
    lr: float = 1e-2
    batch: int = 8
    context: int = 256
    seed: int = 0
    validation_windows: int = 64


@dataclass(frozen=True)
class Tempered:
    """What came of it: parameters, and nats per token of the same held-out windows before, attached, and after."""

    folder: Path
    count: Count
    loss_before: float
    loss_attached: float
    loss_after: float

    def to_json(self) -> dict[str, int | float]:
        """The numbers as plain values."""
        losses = {name: getattr(self, name) for name in ("loss_before", "loss_attached", "loss_after")}
        return {"new_parameters": self.count.new, "parameters": self.count.all, "percent": self.count.percent, **losses}


def temper(source: str | Path, out: Path, how: Tempering, watch: Callable[[Record], None] = unwatched) -> Tempered:
    """Temper a shipped model or a folder's into the folder `out`; called again, it goes on where it was stopped.

    All other weights of `out` are those of the source, bit for bit. Raises ValueError for a model that is not softmax
    or has no tokenizer, and for an `out` that holds something else.
    """
    opened = softmax_model(place_of(source))
    formats, recipe = widened(opened.model), recipe_of(opened, how)
    corpus = corpus_in_tokens_of(opened.tokenizer, recipe, opened.model.config.vocab_size)  # type: ignore[arg-type]
    refuse_other_run(recipe, corpus, out)
    accelerator = accelerator_of(recipe.precision)
    before = held_out_loss(opened.model, corpus, recipe, accelerator)
    model = tempered(opened.model, AttentionSpec.from_json(recipe.attention))
    attached = held_out_loss(model, corpus, recipe, accelerator)
    fitting = fitting_of(model, next_token_objective(corpus, recipe), recipe.plan, out, accelerator)
    trained = fitted(Run(recipe, corpus, fitting), watch)
    found = Tempered(out, count(trained), before, attached, held_out_loss(trained, corpus, recipe, accelerator))
    save(narrowed(trained, formats), out, tokenizer=opened.tokenizer)
    write_json(out / FACTS, found.to_json())
    return found


def softmax_model(place: Path) -> OpenedModel:
    """The model of a folder in its own number format, refused where it cannot be tempered."""
    opened = open_folder(place, dtype="auto")
    if opened.spec.variant != "softmax":
        raise ValueError(f"{place} carries {opened.spec.variant} attention; only a softmax model can be tempered")
    if opened.tokenizer is None:
        raise ValueError(f"{place} has no tokenizer, and text cannot be read without its own: put tokenizer.json there")
    return opened


def recipe_of(opened: OpenedModel, how: Tempering) -> Recipe:
    """What decides the run; the model is named by what its folder holds."""
    spec = AttentionSpec("selective", **how.options)
    context = min(how.context, getattr(opened.model.config, "max_position_embeddings", how.context))
    return Recipe(
        model={"tempered": opened.fingerprint},
        attention=spec.to_json(),
        corpus=dict(how.corpus),
        vocabulary=opened.model.config.vocab_size,
        steps=how.steps,
        lr=how.lr,
        batch=how.batch,
        context=context,
        seed=how.seed,
        warmup=min(20, how.steps // 5),
        validate_every=max(1, how.steps // 4),
        validation_windows=how.validation_windows,
        snapshots=0,
    )


def held_out_loss(model: PreTrainedModel, corpus: Corpus, recipe: Recipe, accelerator: Accelerator) -> float:
    """Nats per token of the held-out windows, rounded as a history has it."""
    on_device: Any = nn.Module.to(model, accelerator.device).eval()
    return round(validation_loss(accelerator, on_device, corpus, recipe), 6)


def fitted(run: Run, watch: Callable[[Record], None]) -> PreTrainedModel:
    """The run's model after its last step, in eval mode on the CPU; nobody else trains in its folder meanwhile."""
    run.folder.mkdir(parents=True, exist_ok=True)
    main = run.fitting.accelerator.is_main_process
    with sole_training(run.folder, main=main):
        if main:
            sign(run)
        model: Any = fit(run.fitting, watch)
    return model.eval()
