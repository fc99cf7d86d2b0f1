"""Sweep: every head touched alone, by every kind of intervention that needs no value, against the untouched run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.interventions.effect import answers_known, changed_answers, changed_by_gauge
from headscope.interp.interventions.intervention import KINDS, SIGNED, VALUELESS, Intervention
from headscope.interp.interventions.touched_run import ROWS, Hook, logits_of_prompt, logits_of_rows
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import Prompt, batch_of
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of, shuffled_signs
from headscope.interp.results.result import Result

Touch = Callable[[Tensor], Tensor]
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
    """What `intervene` finds for every head and kind, the heads of a layer in one forward pass, a row for each.

    At most batch_size rows share a pass; watch(done, total) counts the passes. Hooks are state: the caller lets one
    run in at a time. Raises ValueError for no kind and for one that is unknown or needs a value.
    """
    refuse_valued(kinds)
    untouched, known = logits_of_prompt(model, tokens), answers_known(tokens)
    [read] = batch_of(model, [tokens])
    heads = torch.arange(model.cfg.n_heads).split(batch_size)
    layers = head_layers(model)
    step = step_counter(watch, (len(kinds) + NULL_SAMPLES) * len(layers) * len(heads))

    def changes(touch: Touch) -> Float[Tensor, "measure layer head"]:
        result = []
        for layer in layers:
            for some in heads:
                batch = read.expand(len(some), *read.shape)
                after = logits_of_rows(model, batch, [touching(layer, some, touch)], tokens)
                result.append(mean_changes(untouched, after, known))
                step()
        return torch.cat(result, 1).unflatten(1, (len(layers), -1))

    by_kind = torch.stack([changes(lambda weights, edit=KINDS[kind]: edit(weights, 0.0)) for kind in kinds], 1)
    null = null_of(lambda dice: changes(partial(pattern_with_shuffled_signs, dice=dice)), NULL_SAMPLES)
    every = [Intervention(kind, layer) for kind in kinds for layer in layers]
    by_gauge = dict.fromkeys(changed_by_gauge(model, every), MEASURES)
    return InterventionSweep(
        *by_kind,
        *null.mean[:, None].expand_as(by_kind),
        *null.spread[:, None].expand_as(by_kind),
        about=replace(ABOUT, by_gauge=by_gauge, gauge_labels=tuple(kind for kind in kinds if kind in SIGNED)),
        labels={"kind": tuple(kinds)},
    )


def touching(layer: int, heads: Int[Tensor, "row"], touch: Touch) -> Hook:
    """A hook that touches another head in every row of a batch: heads[row], its weights alone."""
    own = (torch.arange(len(heads)), heads)

    def edit(pattern: Float[Tensor, "row head query key"], hook: object) -> Float[Tensor, "row head query key"]:
        edited = pattern.clone()
        edited[own] = touch(pattern[own])
        return edited

    return f"blocks.{layer}.attn.hook_pattern", edit


def mean_changes(
    before: Float[Tensor, "pos vocab"], after: Float[Tensor, "row pos vocab"], known: Int[Tensor, "pos_known"]
) -> Float[Tensor, "measure row"]:
    """The three measures of every row."""
    result = [changed_answers(before, item, known) for item in after]
    rows = [torch.stack([item.kl.mean(), item.loss_change.nanmean(), item.changed.float().mean()]) for item in result]
    return torch.stack(rows, 1)


def pattern_with_shuffled_signs(
    weights: Float[Tensor, "row query key"], dice: torch.Generator
) -> Float[Tensor, "row query key"]:
    """Signs dealt anew in each row of the pattern; masked cells are 0 and stay so."""
    return shuffled_signs(weights.cpu(), dice).to(weights)


def refuse_valued(kinds: Sequence[str]) -> None:
    """Raise ValueError for what a sweep cannot do."""
    if not kinds:
        raise ValueError(f"no kind of intervention was asked for; a sweep knows: {', '.join(VALUELESS)}")
    if strangers := [kind for kind in kinds if kind not in VALUELESS]:
        raise ValueError(f"a sweep of {strangers[0]!r} was asked for; it knows: {', '.join(VALUELESS)}")
