"""Margins and floors: the least difference that would matter to a claim, and the least that an arm must reach."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Margin:
    """A difference no larger than this does not matter: its size in the claim's unit, and why that.

    ValueError for a size that is not above 0.
    """

    size: float
    reason: str

    def __post_init__(self) -> None:
        if not 0 < self.size < math.inf:
            raise ValueError(f"a margin is a size above 0; got {self.size}")


@dataclass(frozen=True)
class Floor:
    """What the mean of at least one arm must reach, else there is nothing to compare: of which number, and why that.

    number: its name, of which more is better.
    """

    least: float
    number: str
    reason: str


SHARE = Margin(0.05, "a twentieth of the range from 0 to 1")
