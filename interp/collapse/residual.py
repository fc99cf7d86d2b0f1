"""Residual geometry: how alike the residuals of a prompt's tokens are, from layer to layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.matrix_measures import MEASURES, matrix_measures, noise_like
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.effective_rank import SOURCE
from headscope.models.hosts.words import Sentence

NORMS = About(
    title="Norm of the residual",
    unit="units of the residual stream",
    law="‖x_t‖ at every position",
    source="headscope",
    plain=Sentence("How long the residual vector of every {token} is after every layer."),
)
ABOUT = About(
    title="Geometry of the residual stream",
    unit="1",
    law=Sentence(
        "‖X − 1x̄ᵀ‖_F/‖X‖_F; mean cosine of two {tokens}; effective rank exp H(σ/Σσ), of squares exp H(σ²/Σσ²); "
        "stable rank ‖X‖_F²/σ₁²; of X as it is, its mean not taken off"
    ),
    source=f"Dong et al. 2021 (arXiv 2103.03404), in the Frobenius norm; {SOURCE}; "
    "stable rank: Rudelson & Vershynin 2007",
    null="Gaussian rows of the same norms",
    plain=Sentence(
        "How different the {tokens} of {a_prompt} still are after every layer. A mean cosine near 1 and few effective "
        "directions mean that all {tokens} have become alike."
    ),
)


@dataclass(frozen=True, repr=False)
class ResidualGeometry(Result):
    """Of the residuals X [pos, d_model] after the embedding and after every layer; no change of gauge touches them.

    Collapsed tokens: relative residual 0, cosine 1, all ranks 1. A prompt of one token has no pair: cosine NaN.
    effective_rank is of σ, effective_rank_of_squares of σ²; others call either the effective rank. Where one direction
    dominates, the second is near 1 and the first may still be large.
    """

    drawn_by = "residual:residual_geometry_figure"

    relative_residual: Float[Tensor, "depth"]
    relative_residual_null: Float[Tensor, "depth"]
    relative_residual_null_spread: Float[Tensor, "depth"]
    mean_cosine: Float[Tensor, "depth"]
    mean_cosine_null: Float[Tensor, "depth"]
    mean_cosine_null_spread: Float[Tensor, "depth"]
    effective_rank: Float[Tensor, "depth"]
    effective_rank_null: Float[Tensor, "depth"]
    effective_rank_null_spread: Float[Tensor, "depth"]
    effective_rank_of_squares: Float[Tensor, "depth"]
    effective_rank_of_squares_null: Float[Tensor, "depth"]
    effective_rank_of_squares_null_spread: Float[Tensor, "depth"]
    stable_rank: Float[Tensor, "depth"]
    stable_rank_null: Float[Tensor, "depth"]
    stable_rank_null_spread: Float[Tensor, "depth"]


@dataclass(frozen=True, repr=False)
class ResidualNorms(Result):
    """The norm of every token's residual, after the embedding and after every layer."""

    drawn_by = "residual:residual_norms_figure"

    norm: Float[Tensor, "depth pos"]


def residual_geometry(residual: Float[Tensor, "depth pos d_model"]) -> ResidualGeometry:
    """All measures. residual: of `residual_stream`, or any stack of matrices."""
    wide = residual.double()
    null = null_of(lambda dice: matrix_measures(noise_like(wide, dice)))
    fields: dict[str, Tensor] = {}
    for name, result, mean, spread in zip(MEASURES, matrix_measures(wide), null.mean, null.spread, strict=True):
        fields |= {name: result, f"{name}_null": mean, f"{name}_null_spread": spread}
    return ResidualGeometry(**fields, about=ABOUT, labels={"depth": depth_labels(len(residual))})


def residual_norms(residual: Float[Tensor, "depth pos d_model"], tokens: Sequence[str] = ()) -> ResidualNorms:
    """The norms of `residual_stream`."""
    labels = {"depth": depth_labels(len(residual)), **({"pos": tuple(tokens)} if tokens else {})}
    return ResidualNorms(residual.norm(dim=-1), about=NORMS, labels=labels)


def residual_stream(
    resid_pre: Float[Tensor, "layer pos d_model"], resid_post: Float[Tensor, "layer pos d_model"]
) -> Float[Tensor, "depth pos d_model"]:
    """What enters the first layer, and what leaves each."""
    return torch.cat([resid_pre[:1], resid_post])


def depth_labels(depths: int) -> tuple[str, ...]:
    """The names of the places of `residual_stream`."""
    return ("embedding", *(f"layer {layer}" for layer in range(depths - 1)))
