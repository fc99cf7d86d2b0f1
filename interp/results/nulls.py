"""Nulls: what a score would be where there is nothing to find; every score stands beside one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

SAMPLES = 8
NEAR = 2.0  # spreads: a number that is no further from its null is no finding
Numbers = TypeVar("Numbers", Tensor, np.ndarray, float)


@dataclass(frozen=True)
class Null:
    """Mean and standard deviation of a score where there is nothing to find."""

    mean: Float[Tensor, "*axes"]
    spread: Float[Tensor, "*axes"]


def is_near_null(value: Numbers, null: Numbers, spread: Numbers) -> Any:
    """Where a number is within NEAR spreads of its null, as booleans of its kind."""
    return abs(value - null) <= NEAR * spread


def is_bound_to_null(value: Numbers, null: Numbers, spread: Numbers) -> Any:
    """Where a number is its null and the null never differs: it could be nothing else, and says nothing."""
    return (spread == 0) & (value == null)


def null_of(score: Callable[[torch.Generator], Float[Tensor, "*axes"]], samples: int = SAMPLES, seed: int = 0) -> Null:
    """The score of `samples` draws; the same seed gives the same null."""
    dice = torch.Generator().manual_seed(seed)
    drawn = torch.stack([score(dice) for _ in range(samples)])
    return Null(drawn.mean(0), drawn.std(0, correction=0))


def shuffled_signs(
    pattern: Float[Tensor, "*head query key"], dice: torch.Generator
) -> Float[Tensor, "*head query key"]:
    """The same magnitudes with the signs of each row dealt anew among its cells that are not 0.

    As many cells as have the sign of the row's largest get it, those with the smallest lots: signs that are all turned
    before are all turned after.
    """
    lots = torch.rand(pattern.shape, generator=dice, dtype=torch.float64).masked_fill_(pattern == 0, 2.0)
    in_order = torch.as_tensor(np.sort(lots.numpy(), axis=-1))  # several times as fast as torch's
    signs, magnitude = pattern.sign(), pattern.abs()
    sign = signs.gather(-1, magnitude.argmax(-1, keepdim=True))
    count = (signs == sign).sum(-1, keepdim=True)
    return magnitude * sign.where(lots <= in_order.gather(-1, (count - 1).clamp(min=0)), -sign)


def softmax_twin(
    scores: Float[Tensor, "*head query key"], visible: Bool[Tensor, "*#head query key"]
) -> Float[Tensor, "*head query key"]:
    """The pattern that softmax would make of the same scores; rows without a visible key are zeros."""
    return scores.where(visible, -torch.inf).softmax(-1).where(visible.any(-1, keepdim=True), 0.0)
