"""Rows of bounded scores: the weights that each variant makes of them, their largest share, and what cancels."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.collapse.cancellation import cancellation
from headscope.models.attention.options import Options
from headscope.models.attention.table import variant_named
from headscope.models.attention.temperature import position_temperature
from headscope.models.attention.visibility import causal_visible

KERNELS: dict[str, Options] = {
    "softmax": {},
    "cog": {},
    "expressive": {},
    "polynomial": {"power": 3, "coefficient": 1.0},
    "selective": {},
}


def bounded_scores(shape: Sequence[int], bound: float, dice: torch.Generator) -> Float[Tensor, "batch head query key"]:
    """Scores that are uniform from −bound to bound, as if no prompt could make them larger."""
    return bound * (2 * torch.rand(*shape, generator=dice, dtype=torch.float64) - 1)


def pattern_of(
    name: str, scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """The weights of a variant; of selective, with the temperature 1 + ½ ln n that its positions start with."""
    if name == "selective":
        scores = scores * position_temperature(visible.sum(-1, keepdim=True), torch.zeros(())).double()
    return variant_named(name).weigh(scores, visible, **KERNELS[name])


def largest_share(pattern: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows"]:
    """max b of every row, b = |a|/Σ|a|."""
    magnitude = pattern.abs()
    return magnitude.amax(-1) / magnitude.sum(-1)


def mean_largest_share(name: str, n: int, rows: int, bound: float, dice: torch.Generator) -> float:
    """The mean over rows that see n keys."""
    scores = bounded_scores((1, 1, rows, n), bound, dice)
    return largest_share(pattern_of(name, scores, torch.ones_like(scores, dtype=torch.bool))).mean().item()


def cancellation_by_depth(name: str, n: int, depths: Sequence[int], bound: float, dice: torch.Generator) -> list[float]:
    """Path cancellation towards the last of n tokens, mean over tokens: of the first layers, for each depth.

    Every layer has one head, a causal pattern of its own, and the skip around it.
    """
    scores = bounded_scores((max(depths), 1, n, n), bound, dice)
    layers = pattern_of(name, scores, causal_visible(n, n))
    return [cancellation(layers[:depth]).mean().item() for depth in depths]
