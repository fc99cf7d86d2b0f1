"""Flipped weights: each head's largest weight of every row changes its sign, beside what chance would change."""

from collections.abc import Callable
from itertools import islice

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.arms.trial import Numbers
from headscope.interp.experiments.e9_real_model.held_out_text import passage
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.interventions.head_edits import Edit, distinct_edits
from headscope.interp.interventions.kept_run import kept_runs
from headscope.interp.interventions.sweep import MEASURES, layer_pattern, mean_changes
from headscope.interp.interventions.touched_run import ROWS
from headscope.interp.reading.hooked_model import HookedModel, head_layers

Weights = Float[Tensor, "query key"]
LARGEST, ANOTHER, ELSEWHERE = EDITS = ("largest", "another", "equal change elsewhere")


def measure_flips(model: HookedModel, seed: int, size: RealModelSize, watch: Watch) -> Numbers:
    """Of every edit the change of the passage's loss, in nats a token, of each head edited alone [layer, head].

    Every head of every layer_step-th layer; passes begin at the layer.
    """
    [run] = kept_runs(model, [passage(model, seed, size, size.edited)])
    layers, loss = head_layers(model)[:: size.layer_step], MEASURES.index("loss_change")
    edits = flips(torch.Generator().manual_seed(seed))
    changes = torch.zeros(len(edits), len(layers), model.cfg.n_heads)
    for at, layer in enumerate(layers):
        watch(f"flipped weights, seed {seed}", at, len(layers))
        ahead = distinct_edits(layer_pattern(model, run, layer), edits)
        while some := list(islice(ahead, run.rows(ROWS))):
            means = mean_changes(model, run, layer, some)[loss]
            for edit, mean in zip(some, means, strict=True):
                changes[edit.numbers, at, edit.head] = mean
    return {"layers": list(layers), **dict(zip(EDITS, changes.tolist(), strict=True))}


def flips(dice: torch.Generator) -> list[Edit]:
    """The three edits of a head's weights, in the order of EDITS; rows that see one key alone stay as they are.

    another: the weight of a random other visible key changes its sign. equal change elsewhere: that of a random other
    visible key changes by as much as the largest would, −2 max.
    """

    def edit(change: Callable[[Weights, Bool[Tensor, "query key"]], Weights]) -> Edit:
        return lambda weights: weights + change(weights, largest_of_rows(weights)).where(sees_several(weights), 0.0)

    def another(largest: Bool[Tensor, "query key"]) -> Bool[Tensor, "query key"]:
        return random_others(largest, dice)

    return [
        edit(lambda weights, largest: -2 * weights * largest),
        edit(lambda weights, largest: -2 * weights * another(largest)),
        edit(lambda weights, largest: -2 * (weights * largest).sum(-1, keepdim=True) * another(largest)),
    ]


def largest_of_rows(weights: Weights) -> Bool[Tensor, "query key"]:
    """The cell of each row that holds its largest size; the first where several do."""
    return torch.zeros_like(weights, dtype=torch.bool).scatter(-1, weights.abs().argmax(-1, keepdim=True), True)


def random_others(largest: Bool[Tensor, "query key"], dice: torch.Generator) -> Bool[Tensor, "query key"]:
    """A random cell of each row up to its own token, but for the largest one."""
    lots = torch.rand(largest.shape, generator=dice)
    lots = lots.masked_fill(largest | torch.ones_like(largest).triu(1), -1.0)
    return torch.zeros_like(largest).scatter(-1, lots.argmax(-1, keepdim=True), True)


def sees_several(weights: Weights) -> Bool[Tensor, "query 1"]:
    """The rows that see a key besides their own token, in a model that looks back: all but the first."""
    return (torch.arange(len(weights)) > 0)[:, None]
