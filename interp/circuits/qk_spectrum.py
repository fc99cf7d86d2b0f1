"""QK spectrum: how large, how many-sided, how symmetric and of which sign each head's W_QK is."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from headscope.interp.circuits.distance import score_weights
from headscope.interp.circuits.eigenvalues import product_eigenvalues, sign_balance
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.weights.effective_rank import SOURCE, effective_rank, effective_rank_of_squares
from headscope.interp.weights.head_weights import HeadWeights

DRAWS = 16  # of random heads
MIRRORED = ("eigenvalues", "eigenvalue_balance")
SCALED = ("operator_norm", "operator_norm_null", "operator_norm_null_spread", "singular_values", "eigenvalues")
QK_SPECTRUM = About(
    title="Spectrum of W_QK",
    unit="1; singular values and eigenvalues: q·k of unit residuals",
    law="W_QK = W_Q W_Kᵀ = U diag(σ) Vᵀ = symmetric + antisymmetric part; effective rank exp H(σ/Σσ), of squares "
    "exp H(σ²/Σσ²)",
    source=f"eigenvalues: Elhage et al. 2021; {SOURCE}",
    null="random W_Q and W_K whose W_QK has the same norm; one for all heads but for that norm",
    by_gauge={"odd": MIRRORED, "even": MIRRORED, "scale": SCALED},
    plain="Which directions of the residual stream a head compares, and how strongly. The symmetric part seeks what "
    "is alike, the antisymmetric part what differs.",
)


@dataclass(frozen=True, repr=False)
class QKSpectrum(Result):
    """Of every head's W_QK: singular values σ, largest first, and the eigenvalues that may differ from 0.

    operator_norm: the largest σ. effective_rank: exp of the entropy of σ/Σσ, from 1 to d_head;
    effective_rank_of_squares: of σ²/Σσ². symmetric_share: of ‖W_QK‖², by (W_QK + W_QKᵀ)/2; the antisymmetric part has
    the rest. eigenvalue_balance: Σ Re λ / Σ |λ|, 1 where like attends to like. A flip, of an odd kernel or an even one,
    changes the sign of the eigenvalues and of their balance.
    """

    drawn_by = "circuits:spectrum_figure"

    operator_norm: Float[Tensor, "layer head"]
    effective_rank: Float[Tensor, "layer head"]
    effective_rank_of_squares: Float[Tensor, "layer head"]
    symmetric_share: Float[Tensor, "layer head"]
    antisymmetric_share: Float[Tensor, "layer head"]
    eigenvalue_balance: Float[Tensor, "layer head"]
    operator_norm_null: Float[Tensor, "layer head"]
    effective_rank_null: Float[Tensor, "layer head"]
    effective_rank_of_squares_null: Float[Tensor, "layer head"]
    symmetric_share_null: Float[Tensor, "layer head"]
    antisymmetric_share_null: Float[Tensor, "layer head"]
    eigenvalue_balance_null: Float[Tensor, "layer head"]
    operator_norm_null_spread: Float[Tensor, "layer head"]
    effective_rank_null_spread: Float[Tensor, "layer head"]
    effective_rank_of_squares_null_spread: Float[Tensor, "layer head"]
    symmetric_share_null_spread: Float[Tensor, "layer head"]
    antisymmetric_share_null_spread: Float[Tensor, "layer head"]
    eigenvalue_balance_null_spread: Float[Tensor, "layer head"]
    singular_values: Float[Tensor, "layer head rank"]
    eigenvalues: Complex[Tensor, "layer head eigenvalue"]


def qk_spectrum(weights: HeadWeights, embedding: Float[Tensor, "vocab d_model"] | None = None) -> QKSpectrum:
    """The spectrum of W_QK, or with an embedding E that of the full circuit E W_QK Eᵀ, of the same rank.

    At distance 0, or at that of score_weights(weights, rotation). The full circuit is never formed: with E = QR and Q
    orthogonal, R W_QK Rᵀ has the same singular values, eigenvalues and shares.
    """
    scored = score_weights(weights)
    read = None if embedding is None else torch.linalg.qr(embedding, mode="r").R

    def seen(W: Float[Tensor, "*head d_model d_head"]) -> Float[Tensor, "*head m d_head"]:
        return W if read is None else read @ W

    W_Q, W_K = seen(scored.W_Q), seen(scored.W_K)
    sigma, eigenvalues = qk_singular_values(W_Q, W_K), product_eigenvalues(W_Q, W_K.mT)
    statistics = spectrum_statistics(W_Q, W_K, sigma, eigenvalues)
    mean, spread = (of[:, None, None].expand_as(statistics).clone() for of in unit_null(scored, seen))
    norm = product_norm(W_Q, W_K)
    mean[0], spread[0] = mean[0] * norm, spread[0] * norm
    return QKSpectrum(*statistics, *mean, *spread, singular_values=sigma, eigenvalues=eigenvalues, about=QK_SPECTRUM)


def unit_null(scored: HeadWeights, seen: Callable[[Tensor], Tensor]) -> Float[Tensor, "2 statistic"]:
    """Mean and deviation of the statistics over random heads whose W_QK has norm 1.

    A head's null is theirs with the operator norm times its own norm: all other statistics know no norm.
    """
    dice = torch.Generator().manual_seed(0)
    W_Q, W_K = (
        seen(torch.randn(DRAWS, *W.shape[-2:], generator=dice, dtype=W.dtype)) for W in (scored.W_Q, scored.W_K)
    )
    W_Q = W_Q / product_norm(W_Q, W_K)[..., None, None]
    drawn = spectrum_statistics(W_Q, W_K, qk_singular_values(W_Q, W_K), product_eigenvalues(W_Q, W_K.mT))
    return torch.stack([drawn.mean(-1), drawn.std(-1, correction=0)])


def product_norm(
    W_Q: Float[Tensor, "*head d_model d_head"], W_K: Float[Tensor, "*head d_model d_head"]
) -> Float[Tensor, "*head"]:
    """‖W_Q W_Kᵀ‖_F from the small Gram matrices of both factors."""
    return ((W_Q.mT @ W_Q) * (W_K.mT @ W_K)).sum((-2, -1)).sqrt()


def qk_singular_values(
    W_Q: Float[Tensor, "*head d_model d_head"], W_K: Float[Tensor, "*head d_model d_head"]
) -> Float[Tensor, "*head rank"]:
    """Singular values of W_Q W_Kᵀ from the small triangles of both factors."""
    q, k = (torch.linalg.qr(W, mode="r").R for W in (W_Q, W_K))
    return torch.linalg.svdvals(q @ k.mT)


def spectrum_statistics(
    W_Q: Float[Tensor, "*head d_model d_head"],
    W_K: Float[Tensor, "*head d_model d_head"],
    sigma: Float[Tensor, "*head rank"],
    eigenvalues: Complex[Tensor, "*head eigenvalue"],
) -> Float[Tensor, "statistic *head"]:
    """The statistics in the order of QKSpectrum's fields; sigma, eigenvalues: of W_Q W_Kᵀ."""
    crossed = W_K.mT @ W_Q
    symmetry = (crossed * crossed.mT).sum((-2, -1)) / sigma.square().sum(-1)  # tr W² / ‖W‖²
    ranks = (effective_rank(sigma), effective_rank_of_squares(sigma))
    return torch.stack([sigma[..., 0], *ranks, (1 + symmetry) / 2, (1 - symmetry) / 2, sign_balance(eigenvalues)])
