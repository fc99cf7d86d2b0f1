"""A model with a mechanism and without: what it buys, head by head and all together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.effect import answers_known
from headscope.interp.interventions.kept_run import KeptRun, kept_runs
from headscope.interp.interventions.row_changes import row_changes
from headscope.interp.interventions.touched_run import ROWS, logits_of_prompt
from headscope.interp.mechanisms.switch import Switch, refuse_absent_mechanism
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.mechanisms import mechanisms
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

NULL_SAMPLES = 2
MEASURES = ("kl", "loss_change")
EFFECTS = tuple(f"{name}{part}" for name in MEASURES for part in ("", "_null", "_null_spread"))
ABOUT = About(
    title="With a mechanism and without",
    unit="nats; pattern_change: Σ|Δa| of a row, of a gate |Δg|",
    law="the run without it in one head − the run as it is, with the same weights; mean over positions",
    source="headscope",
    by_gauge={
        "odd": (*EFFECTS, *(f"whole_{name}" for name in MEASURES), "pattern_change"),
        "scale": ("pattern_change",),
    },
    null="the same changes of every row of weights on other keys that it sees, of a gate at other positions",
    plain="A mechanism is taken out of one head by itself, and the change of what the model predicts is its number: "
    "above 0 in the loss, the model does better with it.",
)


@dataclass(frozen=True, repr=False)
class MechanismComparison(Result):
    """What a mechanism buys: KL(with ‖ without), change of loss, change of the weights; NaN where no head has it.

    without: its name. whole_kl, whole_loss_change: with none of the heads having it. loss_change is the mean over the
    known next tokens. The weights of a gate are the gate's own numbers.
    """

    drawn_by = "interventions:mechanism_figure"

    kl: Float[Tensor, "layer head"]
    kl_null: Float[Tensor, "layer head"]
    kl_null_spread: Float[Tensor, "layer head"]
    loss_change: Float[Tensor, "layer head"]
    loss_change_null: Float[Tensor, "layer head"]
    loss_change_null_spread: Float[Tensor, "layer head"]
    pattern_change: Float[Tensor, "layer head"]
    whole_kl: Float[Tensor, "whole"]
    whole_loss_change: Float[Tensor, "whole"]
    without: str


@torch.no_grad()
def mechanism_comparison(
    model: HookedModel,
    prompts: Sequence[Prompt],
    without: str,
    batch_size: int = ROWS,
    watch: Watch = watch_nothing,
) -> MechanismComparison:
    """Every head without the mechanism, and all; a row of a forward pass for each, which begins at the head's layer.

    At most batch_size rows share a pass; watch(done, total) counts heads. Hooks are state: the caller lets one run in
    at a time. Raises ValueError for a mechanism that the model does not have, and for no prompt.
    """
    refuse_absent_mechanism(model, without)
    if not prompts:
        raise ValueError("a mechanism is compared on prompts; give at least one")
    layers, numbers = mechanisms(model)[without], head_layers(model)
    runs, dice = kept_runs(model, prompts), torch.Generator().manual_seed(0)
    cells = (len(numbers), model.cfg.n_heads)
    samples = torch.full((len(prompts), 1 + NULL_SAMPLES, len(MEASURES), *cells), torch.nan)
    changes = torch.full((len(prompts), *cells), torch.nan)
    for at, run in enumerate(runs):
        for count, layer in enumerate(layers, 1):
            place, of_layer = numbers.index(layer), layer_effects(run, Switch(model, layer, without), batch_size, dice)
            samples[at, :, :, place], changes[at, place] = of_layer.samples, of_layer.change
            watch(at * len(layers) + count, len(runs) * len(layers))
    whole = torch.stack([whole_effect(model, run, without, layers) for run in runs])
    return comparison_of_samples(samples, changes, whole, without)


def comparison_of_samples(
    samples: Float[Tensor, "prompt sample measure layer head"],
    changes: Float[Tensor, "prompt layer head"],
    whole: Float[Tensor, "prompt measure"],
    without: str,
) -> MechanismComparison:
    """The means over prompts; the first sample is the mechanism taken out, the others are its nulls."""
    kl, loss = samples[:, 0].nanmean(0)
    null, spread = samples[:, 1:].mean((0, 1)), samples[:, 1:].mean(0).std(0, correction=0)
    whole_kl, whole_loss = whole.mean(0).split(1)
    return MechanismComparison(
        kl=kl,
        kl_null=null[0],
        kl_null_spread=spread[0],
        loss_change=loss,
        loss_change_null=null[1],
        loss_change_null_spread=spread[1],
        pattern_change=changes.mean(0),
        whole_kl=whole_kl,
        whole_loss_change=whole_loss,
        without=without,
        about=ABOUT,
    )


class LayerEffects(NamedTuple):
    """The mechanism taken out of every head of a layer, and its nulls: the effects, and the change of the weights."""

    samples: Float[Tensor, "sample measure head"]
    change: Float[Tensor, "head"]


def layer_effects(run: KeptRun, switch: Switch, batch_size: int, dice: torch.Generator) -> LayerEffects:
    """Of the switch's layer, head by head, at most batch_size rows a pass; dice: what deals the nulls."""
    parts = list[LayerEffects]()
    for heads in torch.arange(switch.model.cfg.n_heads).split(run.rows(batch_size)):
        plain = replace(switch, heads=heads.tolist())
        nulls = [replace(plain, dice=dice)] * NULL_SAMPLES
        samples = torch.stack([effects(run, item) for item in (plain, *nulls)])
        assert plain.change is not None  # the pass went through its hooks
        parts.append(LayerEffects(samples, plain.change[torch.arange(len(heads)), heads].float().cpu()))
    return LayerEffects(*(torch.cat(field, -1) for field in zip(*parts, strict=True)))


def effects(run: KeptRun, switch: Switch) -> Float[Tensor, "measure row"]:
    """KL and change of loss of every row."""
    assert switch.heads is not None
    after = run.touched_logits(switch.model, switch.layer, len(switch.heads), switch.hooks())
    return row_changes(run.answers, after, answers_known(run.prompt)).means[: len(MEASURES)].float()


def whole_effect(model: HookedModel, run: KeptRun, without: str, layers: Sequence[int]) -> Float[Tensor, "measure"]:
    """The same of a run in which no head has it."""
    hooks = [hook for layer in layers for hook in Switch(model, layer, without).hooks()]
    after = logits_of_prompt(model, run.prompt, hooks)
    return row_changes(run.answers, after[None], answers_known(run.prompt)).means[: len(MEASURES), 0]
