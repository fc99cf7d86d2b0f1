"""Nulls: what a score would be where there is nothing to find; every score stands beside one."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

SAMPLES = 8


@dataclass(frozen=True)
class Null:
    """Mean and standard deviation of a score over `samples` draws of a null."""

    mean: Float[Tensor, "*axes"]
    spread: Float[Tensor, "*axes"]
    samples: int


def null_of(score: Callable[[torch.Generator], Float[Tensor, "*axes"]], samples: int = SAMPLES, seed: int = 0) -> Null:
    """The score of `samples` draws; the same seed gives the same null."""
    dice = torch.Generator().manual_seed(seed)
    drawn = torch.stack([score(dice) for _ in range(samples)])
    return Null(drawn.mean(0), drawn.std(0, correction=0), samples)


def shuffled_signs(
    pattern: Float[Tensor, "*head query key"], dice: torch.Generator
) -> Float[Tensor, "*head query key"]:
    """The same magnitudes with the signs of each row dealt anew among its cells that are not 0."""
    order = torch.rand(pattern.shape, generator=dice).masked_fill(pattern == 0, 2.0).argsort(-1)
    places = (
        (pattern == 0).to(torch.int8).argsort(dim=-1, stable=True)
    )  # the cells that are not 0, in order, then the rest
    signs = torch.empty_like(pattern).scatter_(-1, places, pattern.sign().gather(-1, order))
    return pattern.abs() * signs


def softmax_twin(
    scores: Float[Tensor, "*head query key"], visible: Bool[Tensor, "*#head query key"]
) -> Float[Tensor, "*head query key"]:
    """The pattern that softmax would make of the same scores; rows without a visible key are zeros."""
    return scores.where(visible, -torch.inf).softmax(-1).where(visible.any(-1, keepdim=True), 0.0)
