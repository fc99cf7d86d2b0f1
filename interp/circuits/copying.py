"""Copying: whether a head raises the token that it reads, from the eigenvalues of its full OV circuit."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from headscope.interp.circuits.eigenvalues import product_eigenvalues, sign_balance
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights

COPYING = About(
    title="Copying score",
    unit="1",
    law="Σ Re λ / Σ |λ| over the eigenvalues λ of W_E W_OV W_U, W_U less its mean over the vocabulary; "
    "1 copies, −1 suppresses",
    source="Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
    null="heads of random W_V and W_O; one for all heads, whose norms the score does not know",
    by_gauge={"odd": ("value", "eigenvalues"), "scale": ("eigenvalues",)},
    plain="Whether a head that reads a token raises the logits of that token, over the whole vocabulary. Only weights"
    " are looked at; how strongly the head attends is not known here.",
)
DRAWS = 32


@dataclass(frozen=True, repr=False)
class Copying(Result):
    """The copying score of every head in [−1, 1], its magnitude, and the eigenvalues, largest first.

    For an odd kernel the flip (W_Q, W_V) → (−W_Q, −W_V) changes the sign of the score and of the eigenvalues, and
    nothing that the head does: there only the magnitude says something.
    """

    drawn_by = "circuits:copying_figure"

    value: Float[Tensor, "layer head"]
    magnitude: Float[Tensor, "layer head"]
    value_null: Float[Tensor, "layer head"]
    magnitude_null: Float[Tensor, "layer head"]
    value_null_spread: Float[Tensor, "layer head"]
    magnitude_null_spread: Float[Tensor, "layer head"]
    eigenvalues: Complex[Tensor, "layer head eigenvalue"]


def copying_score(weights: HeadWeights, embedding: Float[Tensor, "vocab d_model"] | None = None) -> Copying:
    """The copying score of every head for W_E, or for an embedding in its place (the effective one, one of unit rms).

    Law: the eigenvalues are those of full_ov that are not 0. Positive scales of single heads change no score.
    """
    read = weights.W_E if embedding is None else embedding
    across = weights.W_U_centred @ read
    eigenvalues = product_eigenvalues(weights.W_V, weights.W_O @ across)
    value = sign_balance(eigenvalues)

    def of_a_random_head(dice: torch.Generator) -> Float[Tensor, "2"]:
        W_V, W_O = (torch.randn(W.shape[-2:], generator=dice, dtype=W.dtype) for W in (weights.W_V, weights.W_O))
        drawn = sign_balance(product_eigenvalues(W_V, W_O @ across))
        return torch.stack([drawn, drawn.abs()])

    null = null_of(of_a_random_head, DRAWS)
    mean, spread = (of[:, None, None].expand(2, *value.shape) for of in (null.mean, null.spread))
    return Copying(value, value.abs(), *mean, *spread, eigenvalues=eigenvalues, about=COPYING)
