"""Score rule: how scores come from queries and keys, and which keys a query sees."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class ScoreRule:
    """scale · q kᵀ under a soft cap, if there is one (Gemma 2); the mask, the causal rule, or both hide keys.

    mask: True where a key is visible, broadcastable to [batch, head, query, key]; causal hides the future besides,
    the queries being the last ones of the keys.
    """

    mask: Bool[Tensor, "..."] | None
    causal: bool
    scale: float
    soft_cap: float | None = None


def soft_capped(scores: Float[Tensor, "*cells"], soft_cap: float | None) -> Float[Tensor, "*cells"]:
    """cap · tanh(scores / cap); unchanged where there is no cap."""
    return scores if soft_cap is None else soft_cap * torch.tanh(scores / soft_cap)


def soft_cap_in_place(scores: Float[Tensor, "*cells"], soft_cap: float | None) -> Float[Tensor, "*cells"]:
    """The same in the memory of the scores."""
    return scores if soft_cap is None else scores.div_(soft_cap).tanh_().mul_(soft_cap)


def soft_cap_slope(capped: Float[Tensor, "*cells"], soft_cap: float) -> Float[Tensor, "*cells"]:
    """The derivative of the cap, by what came out of it: 1 − (capped / cap)²."""
    return 1 - (capped / soft_cap).square()
