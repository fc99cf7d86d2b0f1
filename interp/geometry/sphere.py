"""Random directions: how the cosine between two of them is distributed in d dimensions, density ∝ sin^(d−2) θ."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def random_cosine_cdf(cosine: Float[Tensor, "*shape"], d: int) -> Float[Tensor, "*shape"]:
    """P(cos θ ≤ cosine), exact in float64; the mean is 0 and the standard deviation 1/√d.

    Raises ValueError for fewer than two dimensions, where there are no angles.
    """
    if d < 2:
        raise ValueError(f"angles need at least 2 dimensions, got {d}")
    theta = cosine.double().clamp(-1, 1).arccos()
    whole = _sine_power_integral(torch.tensor(math.pi, dtype=torch.float64), d - 2)
    return 1 - _sine_power_integral(theta, d - 2) / whole


def _sine_power_integral(theta: Float[Tensor, "*shape"], power: int) -> Float[Tensor, "*shape"]:
    """∫₀^θ sin^m, by m ∫ sin^m = (m − 1) ∫ sin^(m−2) − cos θ sin^(m−1) θ."""
    result = 1 - theta.cos() if power % 2 else theta
    for m in range(2 + power % 2, power + 1, 2):
        result = ((m - 1) * result - theta.cos() * theta.sin().pow(m - 1)) / m
    return result
