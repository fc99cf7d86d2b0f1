"""Sweep: every head touched alone, by every kind of intervention that needs no value, against the untouched run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.effect import answers_known, changed_by_gauge
from headscope.interp.interventions.head_edits import HeadEdit, distinct_edits, edits_of_kinds
from headscope.interp.interventions.intervention import SIGNED, VALUELESS, Intervention
from headscope.interp.interventions.kept_run import KeptRun, kept_runs
from headscope.interp.interventions.row_changes import row_changes
from headscope.interp.interventions.touched_run import ROWS
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import shuffled_signs
from headscope.interp.results.result import Result

MEASURES = ("kl", "loss_change", "changed")
NULL_SAMPLES = 2
ABOUT = About(
    title="Sweep of interventions",
    unit="nats; share of positions for changed",
    law="touched run − untouched run, one head touched at all its weights; mean over positions",
    source="headscope",
    null="the head's signs dealt anew among the cells of each row, for every kind; 0 without negative weights",
    plain="Every head is edited by itself, in the same way, and the change of the model's predictions is its number.",
)


@dataclass(frozen=True, repr=False)
class InterventionSweep(Result):
    """Effects of touching one head: KL(untouched ‖ touched), change of loss, share of likeliest tokens that change.

    loss_change is the mean over the known next tokens; NaN for a prompt of one token. zero is what the whole head is
    worth: a yardstick for the kinds that touch signs. The null is one for all kinds, whatever they do. Where a layer's
    kernel is odd, keep_positive, keep_negative and absolute do another thing after (W_Q, W_V) → (−W_Q, −W_V); flip,
    zero and the nulls do not.
    """

    drawn_by = "interventions:sweep_figure"

    kl: Float[Tensor, "kind layer head"]
    loss_change: Float[Tensor, "kind layer head"]
    changed: Float[Tensor, "kind layer head"]
    kl_null: Float[Tensor, "kind layer head"]
    loss_change_null: Float[Tensor, "kind layer head"]
    changed_null: Float[Tensor, "kind layer head"]
    kl_null_spread: Float[Tensor, "kind layer head"]
    loss_change_null_spread: Float[Tensor, "kind layer head"]
    changed_null_spread: Float[Tensor, "kind layer head"]


def sweep(
    model: HookedModel,
    tokens: Prompt,
    kinds: Sequence[str] = VALUELESS,
    batch_size: int = ROWS,
    watch: Watch = watch_nothing,
) -> InterventionSweep:
    """What `intervene` finds for every head and kind: a row of a forward pass for each, which begins at the layer.

    An edit that leaves a head's weights as they are, or that makes the same of them as another one, is not run. At most
    batch_size rows share a pass; watch(done, total) counts heads. Hooks are state: the caller lets one run in at a
    time. Raises ValueError for no kind and for one that is unknown or needs a value.
    """
    refuse_valued(kinds)
    [run], layers, heads = kept_runs(model, [tokens]), head_layers(model), model.cfg.n_heads
    dice = torch.Generator().manual_seed(0)
    edits = edits_of_kinds(kinds) + [partial(shuffled_signs, dice=dice)] * NULL_SAMPLES
    changes = row_changes(run.answers, run.logits[None], answers_known(tokens)).means[:, None, None]
    changes = changes.repeat(1, len(edits), len(layers), heads)  # of edits that do nothing
    for at, layer in enumerate(layers):
        ahead = distinct_edits(layer_pattern(model, run, layer), edits)
        while some := list(islice(ahead, run.rows(batch_size))):
            means = mean_changes(model, run, layer, some)
            for edit, of_edit in zip(some, means.unbind(1), strict=True):
                changes[:, edit.numbers, at, edit.head] = of_edit[:, None]
            watch(at * heads + some[-1].head, len(layers) * heads)
        watch((at + 1) * heads, len(layers) * heads)
    return swept(model, layers, kinds, changes)


def swept(
    model: HookedModel,
    layers: Sequence[int],
    kinds: Sequence[str],
    changes: Float[Tensor, "measure edit layer head"],
) -> InterventionSweep:
    """The changes by kind, beside those of signs dealt anew."""
    by_kind, drawn = changes[:, : len(kinds)], changes[:, len(kinds) :]
    null = [*drawn.mean(1, keepdim=True), *drawn.std(1, keepdim=True, correction=0)]
    every = [Intervention(kind, layer) for kind in kinds for layer in layers]
    by_gauge = dict.fromkeys(changed_by_gauge(model, every), MEASURES)
    return InterventionSweep(
        *by_kind,
        *(part.expand_as(by_kind[0]) for part in null),
        about=replace(ABOUT, by_gauge=by_gauge, gauge_labels=tuple(kind for kind in kinds if kind in SIGNED)),
        labels={"kind": tuple(kinds)},
    )


def layer_pattern(model: HookedModel, run: KeptRun, layer: int) -> Float[Tensor, "head query key"]:
    """The pattern of a layer in the untouched run: that layer alone is run again."""
    name = f"blocks.{layer}.attn.hook_pattern"
    with run.resumed_at(layer, layer + 1):
        [seen] = gathered_activations(model, [run.prompt], [name])
    return seen[name]


def mean_changes(
    model: HookedModel, run: KeptRun, layer: int, edits: Sequence[HeadEdit]
) -> Float[Tensor, "measure edit"]:
    """The three measures of every edit, each in a row of its own."""
    own = torch.arange(len(edits)), torch.tensor([edit.head for edit in edits])
    weights = torch.stack([edit.weights for edit in edits])

    def put(pattern: Float[Tensor, "edit head query key"], hook: object) -> Float[Tensor, "edit head query key"]:
        edited = pattern.clone()
        edited[own] = weights.to(pattern)
        return edited

    after = run.touched_logits(model, layer, len(edits), [(f"blocks.{layer}.attn.hook_pattern", put)])
    return row_changes(run.answers, after, answers_known(run.prompt)).means


def refuse_valued(kinds: Sequence[str]) -> None:
    """Raise ValueError for what a sweep cannot do."""
    if not kinds:
        raise ValueError(f"no kind of intervention was asked for; a sweep knows: {', '.join(VALUELESS)}")
    if strangers := [kind for kind in kinds if kind not in VALUELESS]:
        raise ValueError(f"a sweep of {strangers[0]!r} was asked for; it knows: {', '.join(VALUELESS)}")
