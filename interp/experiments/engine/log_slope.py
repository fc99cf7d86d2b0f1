"""Log-log slope: the power with which one number grows with another."""

from collections.abc import Sequence

import numpy as np


def log_slope(x: Sequence[float | int], y: Sequence[float | int]) -> float:
    """d ln y / d ln x by least squares, of two numbers of equal length. ValueError unless all are above 0."""
    if min(*x, *y) <= 0:
        raise ValueError(f"a log-log slope takes numbers above 0; got {min(*x, *y)}")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
