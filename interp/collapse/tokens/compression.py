"""Compression valley: the entropy of a prompt's residuals, layer by layer, beside the length of the first token's."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.matrix_measures import noise_like, singular_values
from headscope.interp.collapse.residual import depth_labels
from headscope.interp.reading.size import Size
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.effective_rank import effective_rank_of_squares
from headscope.models.hosts.words import Sentence

SAMPLES = 2
SYMMETRIC = 10  # times k³: the eigenvalues of a symmetric k × k matrix, measured on a CPU
ABOUT = About(
    title="Compression valley",
    unit="shares; norms in units of the residual stream",
    law="−Σ p ln p / ln min(N, d_model), p = σ²/Σσ², of the N residuals X; the bound is the largest entropy that "
    "‖Xu‖²/‖X‖² leaves, u = x₀/‖x₀‖",
    source="Queipo-de-Llano et al. 2025 (arXiv 2510.06477); entropy: Giraldo et al. 2014 (arXiv 1211.2459)",
    null=Sentence(
        "Gaussian rows of the same norms; of the first norm: the other {tokens}'; of the first share: equal norms"
    ),
    plain=Sentence(
        "How evenly the residuals of {a_prompt} fill their directions after every layer. Where one {token} grows very "
        "long, its direction takes nearly all and the entropy falls; without that {token} it may not."
    ),
)


@dataclass(frozen=True, repr=False)
class Compression(Result):
    """The entropy of XXᵀ/tr XXᵀ, from 0 (one direction) to 1, by depth; no change of gauge touches it.

    others_entropy: without the first token's row. bound ≥ entropy: what the first token's direction alone leaves.
    first_share: ‖x₀‖²/‖X‖²; along_first: ‖Xu‖²/‖X‖² of all tokens, no more than top_share, the largest p.
    """

    drawn_by = "tokens.compression:compression_figure"

    entropy: Float[Tensor, "depth"]
    entropy_null: Float[Tensor, "depth"]
    entropy_null_spread: Float[Tensor, "depth"]
    others_entropy: Float[Tensor, "depth"]
    others_entropy_null: Float[Tensor, "depth"]
    others_entropy_null_spread: Float[Tensor, "depth"]
    bound: Float[Tensor, "depth"]
    first_share: Float[Tensor, "depth"]
    first_share_null: Float[Tensor, "depth"]
    along_first: Float[Tensor, "depth"]
    top_share: Float[Tensor, "depth"]
    first_norm: Float[Tensor, "depth"]
    first_norm_null: Float[Tensor, "depth"]
    first_norm_null_spread: Float[Tensor, "depth"]


def compression(residual: Float[Tensor, "depth pos d_model"]) -> Compression:
    """Of `residual_stream`. A prompt of one token has no others: NaN."""
    X = residual.double()
    norm, along, sigma = X.norm(dim=-1), share_along(X, X[:, 0]), singular_values(X)
    others = norm[:, 1:].mean(-1)
    null = null_of(lambda dice: both_entropies(noise_like(X, dice)), SAMPLES)
    return Compression(
        *(normalised_entropy(sigma), null.mean[0], null.spread[0]),
        *(entropy_of_others(X), null.mean[1], null.spread[1]),
        bound=entropy_bound(along, min(X.shape[1:])),
        first_share=norm[:, 0].square() / norm.square().sum(-1),
        first_share_null=torch.full_like(along, 1 / X.shape[1]),
        along_first=along,
        top_share=sigma[:, -1].square() / norm.square().sum(-1),
        first_norm=norm[:, 0],
        first_norm_null=others,
        first_norm_null_spread=(norm[:, 1:] - others[:, None]).square().mean(-1).sqrt(),
        about=ABOUT,
        labels={"depth": depth_labels(len(X))},
    )


def both_entropies(X: Float[Tensor, "depth pos d_model"]) -> Float[Tensor, "which depth"]:
    """That of all rows, and that of all but the first."""
    return torch.stack([normalised_entropy(singular_values(X)), entropy_of_others(X)])


def entropy_of_others(X: Float[Tensor, "depth pos d_model"]) -> Float[Tensor, "depth"]:
    """That of all rows but the first; NaN where there are none."""
    if X.shape[1] == 1:
        return torch.full_like(X[:, 0, 0], torch.nan)
    return normalised_entropy(singular_values(X[:, 1:]))


def normalised_entropy(sigma: Float[Tensor, "depth rank"]) -> Float[Tensor, "depth"]:
    """That of σ²/Σσ² over its largest, ln of the rank; 0 where there is one direction alone."""
    return effective_rank_of_squares(sigma).log() / math.log(max(sigma.shape[-1], 2))


def share_along(
    X: Float[Tensor, "depth pos d_model"], direction: Float[Tensor, "depth d_model"]
) -> Float[Tensor, "depth"]:
    """‖Xu‖²/‖X‖² along the unit vector u of a direction, which no singular value's share falls below."""
    unit = direction / direction.norm(dim=-1, keepdim=True)
    return torch.einsum("dpm,dm->dp", X, unit).square().sum(-1) / X.square().sum((-2, -1))


def entropy_bound(share: Float[Tensor, "depth"], rank: int) -> Float[Tensor, "depth"]:
    """The largest entropy with a p of at least so much: the rest equal; over ln rank, 1 for a share of equal ones."""
    if rank < 2:
        return torch.zeros_like(share)
    p = share.clamp(min=1 / rank, max=1)
    rest = (1 - p) * math.log(rank - 1)
    return (torch.special.entr(p) + torch.special.entr(1 - p) + rest) / math.log(rank)


def compression_cost(size: Size) -> int:
    """The eigenvalues of a Gram matrix with and without the first token, at every depth, once and for every draw."""
    ranks = (min(tokens, size.facts.d_model) for tokens in size.lengths)
    return 2 * (1 + SAMPLES) * (size.layers + 1) * SYMMETRIC * sum(rank**3 for rank in ranks)
