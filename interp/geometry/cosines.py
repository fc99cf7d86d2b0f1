"""Cosines: every query with every key, and how weights of pairs are spread over them."""

from jaxtyping import Float
from torch import Tensor

BINS = 40


def cosines(
    q: Float[Tensor, "*head query d_head"], k: Float[Tensor, "*head key d_head"]
) -> Float[Tensor, "*head query key"]:
    """cos θ of every query with every key; NaN with a vector of zeros."""
    return ((q / q.norm(dim=-1, keepdim=True)) @ (k / k.norm(dim=-1, keepdim=True)).mT).clamp(-1, 1)


def head_shares(weights: Float[Tensor, "*head query key"]) -> Float[Tensor, "*head query key"]:
    """Weights as shares of their sum over the head; NaN where all are 0."""
    return weights / weights.sum((-2, -1), keepdim=True)


def cosine_shares(
    cosine: Float[Tensor, "*head query key"], weights: Float[Tensor, "*head query key"], delta: float
) -> dict[str, Float[Tensor, "*head"]]:
    """Weight of the pairs on either side of δ and between, and the root of the mean squared cosine."""
    parallel, antiparallel = (((sign * cosine >= delta) * weights).sum((-2, -1)) for sign in (1, -1))
    return {
        "parallel": parallel,
        "orthogonal": ((cosine.abs() < delta) * weights).sum((-2, -1)),
        "antiparallel": antiparallel,
        "root_mean_square": (cosine.square() * weights).sum((-2, -1)).sqrt(),
    }


def histogram(cosine: Float[Tensor, "query key"], weights: Float[Tensor, "query key"]) -> Float[Tensor, "bin"]:
    """Weight of one head in each of BINS equal bins of [−1, 1]."""
    places = ((cosine + 1) * (BINS / 2)).long().clamp_(0, BINS - 1)
    return weights.new_zeros(BINS).scatter_add_(0, places.flatten(), weights.flatten())
