"""Power: how often Student's test of a mean sees an effect of some spread, and how many seeds that takes."""

import math
from bisect import bisect_left

import numpy as np
import torch
from jaxtyping import Float

from headscope.interp.arms.student import student_quantile

CONFIDENCE = 0.95  # on either side
POWER = 0.8
MOST_SEEDS = 1000
NODES = 4001  # of the integral: six digits
FAR = 9.0  # standard deviations of the spread that a sample has
Nodes = Float[np.ndarray, "node"]


def superiority_power(effect: float, seeds: int) -> float:
    """How often the whole interval of a mean lies above 0; effect: the true mean over the true spread.

    P(t′ > t), t′ noncentral with effect·√seeds, as an integral over the spread of the sample: E[Φ(effect √n − t s)].
    """
    s, weight = sample_spreads(seeds - 1)
    at = effect * math.sqrt(seeds) - student_quantile(CONFIDENCE, seeds - 1) * s
    return float((weight * normal_mass(at)).sum())


def equivalence_power(margin: float, seeds: int) -> float:
    """How often the whole interval lies within ± the margin, over the true spread, where the true mean is 0."""
    s, weight = sample_spreads(seeds - 1)
    at = margin * math.sqrt(seeds) - student_quantile(CONFIDENCE, seeds - 1) * s
    return float((weight * (2 * normal_mass(at) - 1).clip(0)).sum())


def needed_seeds(effect: float, *, is_within: bool = False) -> int | None:
    """The fewest seeds that see the effect in 80 % of all cases; None where 1,000 do not.

    is_within: the effect is a margin within which the mean is to be seen. ValueError for an effect that is not above 0.
    """
    if not effect > 0:
        raise ValueError(f"seeds are counted for an effect above 0; got {effect}")
    power = equivalence_power if is_within else superiority_power
    counts = range(2, MOST_SEEDS + 1)
    at = bisect_left(counts, POWER, key=lambda seeds: power(effect, seeds))
    return counts[at] if at < len(counts) else None


def sample_spreads(freedom: int) -> tuple[Nodes, Nodes]:
    """Spreads of a sample over the true one, √(χ²/freedom), with the probability of each."""
    width = (1 + FAR / math.sqrt(freedom)) / NODES
    s = (np.arange(NODES) + 0.5) * width
    constant = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    density = np.exp(constant + (freedom - 1) * np.log(s) - freedom * s**2 / 2)
    return s, density * width


def normal_mass(at: Nodes) -> Nodes:
    """Φ, the probability of a normal number below each."""
    return torch.special.ndtr(torch.from_numpy(at)).numpy()
