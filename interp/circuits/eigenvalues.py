"""Eigenvalues of a product of thin matrices: those of the small product the other way round, and their sign."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def product_eigenvalues(
    left: Float[Tensor, "*head wide thin"], right: Float[Tensor, "*head thin wide"]
) -> Complex[Tensor, "*head thin"]:
    """Eigenvalues of left @ right that may differ from 0, largest magnitude first: those of right @ left."""
    result = torch.linalg.eigvals(right @ left)
    return result.gather(-1, result.abs().argsort(dim=-1, descending=True))


def sign_balance(eigenvalues: Complex[Tensor, "*head thin"]) -> Float[Tensor, "*head"]:
    """Σ Re λ / Σ abs(λ): 1 where all are real and positive, −1 where all are negative; NaN where all are 0."""
    return eigenvalues.real.sum(-1) / eigenvalues.abs().sum(-1)
