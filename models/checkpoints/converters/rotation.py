"""Rotary positions: codes that turn neighbouring entries of a head, where transformers turns entry i and i + D/2."""

from jaxtyping import Float
from torch import Tensor


def halves_from_pairs(
    weight: Float[Tensor, "head_d_head *d_model"], n_heads: int
) -> Float[Tensor, "head_d_head *d_model"]:
    """The rows of a query or key projection, within each head first the even entries, then the odd ones."""
    return weight.unflatten(0, (n_heads, -1, 2)).transpose(1, 2).flatten(0, 2)
