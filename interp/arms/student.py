"""Student's t distribution of whole degrees of freedom, from its finite sums of cosines."""

import math
from functools import cache
from itertools import accumulate

HALVINGS = 60  # of an angle: to the last bit


@cache
def student_quantile(probability: float, freedom: int) -> float:
    """The t below which lies that probability. ValueError for one outside of 0 … 1, and for no degree of freedom."""
    if not (0 < probability < 1 and freedom >= 1):
        raise ValueError(f"a quantile takes 0 < probability < 1 and freedom ≥ 1; got {probability} and {freedom}")
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if central_mass(middle, freedom) < abs(2 * probability - 1) else (low, middle)
    return math.copysign(math.tan(low) * math.sqrt(freedom), probability - 0.5)


def central_mass(angle: float, freedom: int) -> float:
    """The probability of |t| < √freedom · tan(angle) (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    odd, cosine = freedom % 2, math.cos(angle)
    ratios = (cosine**2 * power / (power + 1) for power in range(1 + odd, freedom - 1, 2))
    terms = sum(accumulate(ratios, lambda term, ratio: term * ratio, initial=cosine**odd)) if freedom > 1 else 0.0
    return 2 / math.pi * (angle + math.sin(angle) * terms) if odd else math.sin(angle) * terms
