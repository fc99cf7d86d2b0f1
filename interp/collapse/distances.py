"""Distances: four readings of how far two vectors of the residual stream are apart."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

DISTANCES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "L1 norm": lambda difference, d_head: difference.abs().sum(-1),
    "L2 norm": lambda difference, d_head: difference.norm(dim=-1),
    "L∞ norm": lambda difference, d_head: difference.abs().amax(-1),
    "chunked L∞ norm": lambda difference, d_head: chunked(difference, d_head),
}


def distances(
    first: Float[Tensor, "*place d_model"], second: Float[Tensor, "*place d_model"], d_head: int
) -> Float[Tensor, "distance *place"]:
    """All readings, in the order of DISTANCES, in float64."""
    difference = first.double() - second.double()
    return torch.stack([distance(difference, d_head) for distance in DISTANCES.values()])


def chunked(difference: Float[Tensor, "*place d_model"], d_head: int) -> Float[Tensor, "*place"]:
    """The mean over chunks of d_head coordinates of the chunk's largest magnitude; the last chunk may be shorter.

    As in the published code of Lv et al. 2024 (arXiv 2411.07176).
    """
    return torch.stack([chunk.abs().amax(-1) for chunk in difference.split(d_head, dim=-1)]).mean(0)
