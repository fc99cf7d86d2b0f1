"""Matrix measures: how close the rows of a matrix are to one row, and how many directions they take."""

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.weights.effective_rank import effective_rank, effective_rank_of_squares

MEASURES = ("relative_residual", "mean_cosine", "effective_rank", "effective_rank_of_squares", "stable_rank")


def matrix_measures(X: Float[Tensor, "depth pos d_model"]) -> Float[Tensor, "measure depth"]:
    """The measures, in the order of MEASURES."""
    sigma = singular_values(X)
    ranks = (effective_rank(sigma), effective_rank_of_squares(sigma), stable_rank(sigma))
    return torch.stack([relative_residual(X), mean_cosine(X), *ranks])


def relative_residual(X: Float[Tensor, "*depth pos d_model"]) -> Float[Tensor, "*depth"]:
    """‖X − 1x̄ᵀ‖_F / ‖X‖_F, in [0, 1]."""
    return (X - X.mean(-2, keepdim=True)).norm(dim=(-2, -1)) / X.norm(dim=(-2, -1))


def mean_cosine(X: Float[Tensor, "*depth pos d_model"]) -> Float[Tensor, "*depth"]:
    """The mean cosine of two rows, (‖Σx̂‖² − N)/(N(N − 1)); rows of zeros are left out, NaN where no pair is left."""
    norms = X.norm(dim=-1, keepdim=True)
    count = (norms != 0).sum((-2, -1)).to(X.dtype)
    unit = X / norms.masked_fill(norms == 0, 1)
    pairs = (count * (count - 1)).masked_fill(count < 2, torch.nan)
    return (unit.sum(-2).square().sum(-1) - count) / pairs


def singular_values(X: Float[Tensor, "*depth pos d_model"]) -> Float[Tensor, "*depth rank"]:
    """From the eigenvalues of the smaller Gram matrix, in float64, ascending; exact to 1e-8 of the largest.

    NaN, all of them, of a matrix that is not finite, where LAPACK would not converge.
    """
    wide = X.double()
    gram = wide @ wide.mT if X.shape[-2] <= X.shape[-1] else wide.mT @ wide
    finite = gram.isfinite().all(-1).all(-1)[..., None]
    values = torch.linalg.eigvalsh(gram.masked_fill_(~finite[..., None], 0.0))
    return values.where(finite, torch.nan).clamp(min=0).sqrt()


def stable_rank(sigma: Float[Tensor, "*depth rank"]) -> Float[Tensor, "*depth"]:
    """Σσ² / max σ², from 1 to the rank."""
    return sigma.square().sum(-1) / sigma.amax(-1).square()


def noise_like(X: Float[Tensor, "*depth pos d_model"], dice: torch.Generator) -> Float[Tensor, "*depth pos d_model"]:
    """Gaussian rows of the same norms."""
    noise = torch.randn(X.shape, generator=dice, dtype=X.dtype)
    return noise.mul_(X.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True))
