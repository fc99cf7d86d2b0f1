"""Elsewhere: what the same edits change when they are made to other heads, the null of an edit's effect."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from headscope.interp.interventions.effect import answers_known, losses_by_position
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.touched_run import editing_hooks, logits_of_prompt, refuse_outside
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import Prompt

SAMPLES = 6


@dataclass(frozen=True)
class LossElsewhere:
    """Mean and standard deviation of the mean change of loss over so many places; NaN where there is no other."""

    mean: float
    spread: float
    places: int


def loss_elsewhere(
    model: HookedModel, tokens: Prompt, edits: Sequence[Intervention], samples: int = SAMPLES, seed: int = 0
) -> LossElsewhere:
    """The same edits, all moved alike to other heads of other layers, drawn without return.

    An edit of a layer moves to other layers. Hooks are state: one run in at a time. Raises ValueError for an edit of a
    layer, head or token that is not there.
    """
    refuse_outside(model, len(tokens), edits)
    places = other_places(edits, head_layers(model), model.cfg.n_heads)
    drawn = random.Random(seed).sample(places, min(samples, len(places)))
    known = answers_known(tokens)
    before = losses_by_position(logits_of_prompt(model, tokens), known)
    changes = torch.tensor(
        [
            float((losses_by_position(logits_of_prompt(model, tokens, editing_hooks(moved)), known) - before).nanmean())
            for moved in drawn
        ]
    )
    return LossElsewhere(float(changes.mean()), float(changes.std(correction=0)), len(drawn))


def other_places(edits: Sequence[Intervention], layers: Sequence[int], heads: int) -> list[tuple[Intervention, ...]]:
    """Every list of edits that is this one moved by so many layers and heads, around the ends; not itself."""
    by_heads = range(heads) if any(edit.head is not None for edit in edits) else range(1)
    moves = [(down, across) for down in range(len(layers)) for across in by_heads if down or across]
    return [tuple(moved(edit, layers, down, heads, across) for edit in edits) for down, across in moves]


def moved(edit: Intervention, layers: Sequence[int], down: int, heads: int, across: int) -> Intervention:
    """An edit so many layers further and heads further."""
    layer = layers[(list(layers).index(edit.layer) + down) % len(layers)]
    return replace(edit, layer=layer, head=None if edit.head is None else (edit.head + across) % heads)
