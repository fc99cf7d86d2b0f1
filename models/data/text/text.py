"""A text as tokens: documents in a row, each opened and the whole closed by one token."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt


@dataclass(frozen=True)
class Text:
    """end: what stands before each document and after the last; bos: what begins a window."""

    tokens: UInt[np.ndarray, "token"]
    bos: int
    end: int
