"""Head dimension: how many directions a head's outputs take over the tokens of a prompt, of those that it could."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.matrix_measures import noise_like, singular_values
from headscope.interp.reading.size import EIGEN, LOOK, Size
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.effective_rank import effective_rank_of_squares
from headscope.models.hosts.words import Sentence

SAMPLES = 4
MEASURES = ("participation", "entropy_rank", "constant_share")
ABOUT = About(
    title="Dimension of heads' outputs",
    unit="directions; constant_share: share of ‖Y‖²",
    law=Sentence(
        "Y = z W_O, its mean ȳ over the {tokens} taken off: participation (Σσ²)²/Σσ⁴, entropy rank exp H(σ²/Σσ²); "
        "constant_share N‖ȳ‖²/‖Y‖²"
    ),
    source="Gao et al. 2017 (participation ratio of a covariance); effective rank: Giraldo et al. 2014 (arXiv "
    "1211.2459); of attention's outputs: Wang et al. 2025 (arXiv 2508.16929)",
    null="Gaussian rows of the same norms in the directions that the head can write",
    plain=Sentence(
        "How many different things a head says over the {tokens} of {a_prompt}. A head that rests on one {token} says "
        "the same everywhere: a large constant share and few directions."
    ),
)


@dataclass(frozen=True, repr=False)
class HeadDimension(Result):
    """Of every head's outputs to the residual stream; no more than d_head, nor than the tokens less one.

    Weights of both signs only change what is written; no change of gauge touches z W_O. NaN for a head that writes
    the same, or nothing, everywhere.
    """

    drawn_by = "tokens.head_dimension:head_dimension_figure"

    participation: Float[Tensor, "layer head"]
    participation_null: Float[Tensor, "layer head"]
    participation_null_spread: Float[Tensor, "layer head"]
    entropy_rank: Float[Tensor, "layer head"]
    entropy_rank_null: Float[Tensor, "layer head"]
    entropy_rank_null_spread: Float[Tensor, "layer head"]
    constant_share: Float[Tensor, "layer head"]
    constant_share_null: Float[Tensor, "layer head"]
    constant_share_null_spread: Float[Tensor, "layer head"]


def head_dimension(
    z: Float[Tensor, "layer pos head d_head"], W_O: Float[Tensor, "layer head d_head d_model"]
) -> HeadDimension:
    """The dimensions of a prompt. z: hook_z."""
    Y = outputs_in_own_directions(z.double(), W_O.double())
    null = null_of(lambda dice: dimensions(noise_like(Y, dice)), SAMPLES)
    fields: dict[str, Any] = {}
    for name, value, mean, spread in zip(MEASURES, dimensions(Y), null.mean, null.spread, strict=True):
        fields |= {name: value, f"{name}_null": mean, f"{name}_null_spread": spread}
    return HeadDimension(**fields, about=ABOUT)


def outputs_in_own_directions(
    z: Float[Tensor, "layer pos head d_head"], W_O: Float[Tensor, "layer head d_head d_model"]
) -> Float[Tensor, "layer head pos direction"]:
    """z W_O in an orthonormal basis of what W_O can write, which has the same lengths and angles."""
    R = torch.linalg.qr(W_O.mT, mode="r").R
    return torch.einsum("lphe,lhke->lhpk", z, R)


def dimensions(Y: Float[Tensor, "layer head pos direction"]) -> Float[Tensor, "measure layer head"]:
    """The measures, in the order of MEASURES."""
    mean, total = Y.mean(-2, keepdim=True), Y.square().sum((-2, -1))
    sigma = singular_values(Y - mean)
    squares = sigma.square()
    varies = squares.sum(-1) > torch.finfo(Y.dtype).eps * total
    participation = squares.sum(-1).square() / squares.square().sum(-1)
    ranks = torch.stack([participation, effective_rank_of_squares(sigma)]).where(varies, torch.nan)
    constant = Y.shape[-2] * mean.square().sum((-2, -1)) / total
    return torch.cat([ranks, constant[None]])


def dimensions_cost(size: Size) -> int:
    """The eigenvalues of every head's smaller matrix, once and for every draw of the null."""
    d_head = size.d_head
    of_prompts = sum(EIGEN * min(n, d_head) ** 3 + n * d_head * (d_head + LOOK) for n in size.lengths)
    return (1 + SAMPLES) * size.heads * of_prompts
