"""Open head: which head of a model is looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenHead:
    """A layer and a head of it."""

    layer: int
    head: int
