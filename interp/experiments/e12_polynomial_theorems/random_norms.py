"""Norms of attention whose scores are random: of the whole pattern and of its Jacobian, as there are more tokens."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.options import Options
from headscope.models.attention.table import variant_named

STRIP = 512  # rows at a time


@dataclass(frozen=True)
class Norms:
    """‖A‖_F and ‖∂A/∂S‖_F."""

    pattern: float
    jacobian: float


def random_scores(n: int, d_model: int, d_head: int, dice: torch.Generator) -> Float[Tensor, "query key"]:
    """S = X W_Q (X W_K)ᵀ/√d_head of variance 1: X of variance 1, W_Q and W_K of variance 1/d_model, all Gaussian."""
    x = torch.randn(n, d_model, generator=dice)
    q, k = (x @ torch.randn(d_model, d_head, generator=dice) / d_model**0.5 for _ in range(2))
    return q @ k.T / d_head**0.5


def norms_of(variant: str, kernel: Options, scores: Float[Tensor, "query key"]) -> Norms:
    """Both norms of a variant's weights, no mask; kernel: the options of its weigh."""
    row = variant_named(variant)
    squares = torch.zeros(2, dtype=torch.float64)
    for strip in scores.split(STRIP):
        rows = strip[None, None]
        pattern = row.weigh(rows, torch.ones_like(rows, dtype=torch.bool), **kernel)
        whole = pattern.norm().double()
        slopes = row.jacobian_norm(pattern, rows.clone(), **kernel).double()
        squares += torch.stack([whole.square(), slopes.square().sum()])
    return Norms(*squares.sqrt().tolist())
