"""Fréchet distance: how far two sets of features are apart as Gaussians (Heusel et al. 2017, arXiv 1706.08500)."""

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(item: Float[Tensor, "image feature"], other: Float[Tensor, "picture feature"]) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½), in float64; 0 for equal sets, and symmetric.

    It is biased upwards, more so for fewer images: compare sets of like sizes. ValueError for a set of one image.
    """
    if min(len(item), len(other)) < 2:
        raise ValueError(
            f"a Fréchet distance takes two images at least on both sides; got {len(item)} and {len(other)}"
        )
    (mean, spread), (mean_of_other, spread_of_other) = moments(item), moments(other)
    root = square_root(spread)
    crossed = square_root(root @ spread_of_other @ root)
    apart = (mean - mean_of_other).square().sum()
    return float(apart + torch.trace(spread + spread_of_other - 2 * crossed))


def moments(
    features: Float[Tensor, "image feature"],
) -> tuple[Float[Tensor, "feature"], Float[Tensor, "feature feature"]]:
    """Mean and covariance."""
    wide = features.double()
    return wide.mean(0), wide.T.cov()


def square_root(matrix: Float[Tensor, "feature feature"]) -> Float[Tensor, "feature feature"]:
    """The symmetric root of a symmetric matrix without negative eigenvalues; tiny ones count as 0."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return vectors @ (values.clamp_min(0).sqrt()[:, None] * vectors.T)
