"""Effective rank: how many directions a matrix takes, from its singular values σ, in both of its published forms."""

import torch
from jaxtyping import Float
from torch import Tensor

SOURCE = (
    "effective rank: Roy & Vetterli 2007; of squares: Giraldo et al. 2014 (arXiv 1211.2459), Skean et al. 2025 "
    "(arXiv 2502.02013)"
)


def effective_rank(sigma: Float[Tensor, "*matrix rank"]) -> Float[Tensor, "*matrix"]:
    """exp of the entropy of σ/Σσ, from 1 to the number of singular values (Roy & Vetterli 2007)."""
    return torch.special.entr(sigma / sigma.sum(-1, keepdim=True)).sum(-1).exp()


def effective_rank_of_squares(sigma: Float[Tensor, "*matrix rank"]) -> Float[Tensor, "*matrix"]:
    """exp of the entropy of σ²/Σσ², the eigenvalues of XXᵀ/tr XXᵀ (Giraldo et al. 2014, Skean et al. 2025).

    Between the stable rank and the effective rank: a direction counts by its share of ‖X‖², so that one which dominates
    hides all others.
    """
    return effective_rank(sigma.square())
