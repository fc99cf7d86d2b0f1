"""A trial: one thing that an experiment trains or measures, under one condition and one seed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Numbers = dict[str, Any]  # name -> a number, or a list of numbers
DIVERGED = "diverged"  # a number that a trial has alone, whose loss was no longer finite
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Trial:
    """A condition by names and plain values, such as {"variant": "cog"}, and a seed."""

    condition: Mapping[str, str | int | float]
    seed: int

    @property
    def key(self) -> str:
        """Its name among the trials of an experiment, fit for a folder."""
        return NOT_IN_A_NAME.sub("_", "-".join(map(str, [*self.condition.values(), self.seed])))

    def matches(self, **condition: Any) -> bool:
        """Whether it ran under these values."""
        return all(self.condition.get(name) == value for name, value in condition.items())

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Place:
    """Where a trial may write: a folder of its own, and one for models that several experiments use."""

    own: Path
    shared: Path


@dataclass(frozen=True)
class Measured:
    """A trial with the numbers that it gave, and the seconds that it took."""

    trial: Trial
    numbers: Numbers
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As results.json holds it."""
        condition = dict(self.trial.condition)
        return {"condition": condition, "seed": self.trial.seed, "seconds": self.seconds, "numbers": self.numbers}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Measured":
        """Back from to_json's form."""
        return cls(Trial(plain["condition"], plain["seed"]), plain["numbers"], plain["seconds"])
