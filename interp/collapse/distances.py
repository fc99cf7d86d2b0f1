"""Distances: readings of how far two vectors of the residual stream are apart, some in steps of bfloat16."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

DIGITS = 8  # of bfloat16's significand, the leading one included
DISTANCES: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "L1 norm": lambda first, second, d_head: (first - second).abs().sum(-1),
    "L2 norm": lambda first, second, d_head: (first - second).norm(dim=-1),
    "L∞ norm": lambda first, second, d_head: (first - second).abs().amax(-1),
    "chunked L∞ norm": lambda first, second, d_head: chunked(first - second, d_head),
    "bfloat16 steps": lambda first, second, d_head: bfloat16_steps(first, second),
    "unlike in bfloat16": lambda first, second, d_head: unlike_in_bfloat16(first, second),
}
UNLIKE = tuple(DISTANCES).index("unlike in bfloat16")
STEPS = tuple(DISTANCES).index("bfloat16 steps")


def distances(
    first: Float[Tensor, "*place d_model"], second: Float[Tensor, "*place d_model"], d_head: int
) -> Float[Tensor, "distance *place"]:
    """All readings, in the order of DISTANCES, in float64."""
    wide = first.double(), second.double()
    return torch.stack([distance(*wide, d_head) for distance in DISTANCES.values()])


def chunked(difference: Float[Tensor, "*place d_model"], d_head: int) -> Float[Tensor, "*place"]:
    """The mean over chunks of d_head coordinates of the chunk's largest magnitude; the last chunk may be shorter.

    As in the published code of Lv et al. 2024 (arXiv 2411.07176).
    """
    return torch.stack([chunk.abs().amax(-1) for chunk in difference.split(d_head, dim=-1)]).mean(0)


def bfloat16_steps(
    first: Float[Tensor, "*place d_model"], second: Float[Tensor, "*place d_model"]
) -> Float[Tensor, "*place"]:
    """‖x − y‖₂ over ‖ulp(x)‖₂: the difference in units of what bfloat16 can tell at the size of each entry.

    Rounding alone moves a vector by about 0.3 of it. 0 for equal vectors, of zeros too.
    """
    apart, step = (first - second).norm(dim=-1), bfloat16_ulp(first).norm(dim=-1)
    return apart / step.masked_fill(step == 0, 1)


def bfloat16_ulp(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The distance between neighbours of bfloat16 at the size of each number, 2^(⌊log₂|x|⌋ − 7); 0 of 0."""
    exponent = torch.frexp(x).exponent - DIGITS
    return torch.ldexp(torch.ones_like(x), exponent).masked_fill(x == 0, 0)


def unlike_in_bfloat16(
    first: Float[Tensor, "*place d_model"], second: Float[Tensor, "*place d_model"]
) -> Float[Tensor, "*place"]:
    """The share of entries that differ once both are rounded to bfloat16; 0: they are the same vector to it."""
    return (first.bfloat16() != second.bfloat16()).double().mean(-1)
