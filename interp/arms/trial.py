"""A trial: one thing that an experiment trains or measures, under one condition and one seed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headscope.models.io.fields import Fields
from headscope.models.io.records import record_in

Level = str | int | float  # of one part of a condition
Numbers = dict[str, Any]  # name -> a number, or a list of numbers
DIVERGED = "diverged"  # a number that a trial has alone, whose loss was no longer finite
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Trial:
    """A condition by names and plain values, such as {"variant": "softmax"}, and a seed."""

    condition: Mapping[str, Level]
    seed: int

    @property
    def key(self) -> str:
        """Its name among the trials of an experiment, fit for a folder."""
        return NOT_IN_A_NAME.sub("_", "-".join(map(str, [*self.condition.values(), self.seed])))

    def matches(self, **condition: Level) -> bool:
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
class StoredTrial:
    """A trial as results.json holds it."""

    condition: dict[str, Level]
    seed: int
    seconds: float
    numbers: Numbers

    def __post_init__(self) -> None:
        if strange := [name for name, value in self.numbers.items() if not is_numeric(value)]:
            raise ValueError(f"field 'numbers' has {strange[0]!r:.60}, which is no number or list of them")


@dataclass(frozen=True)
class TrialOutcome:
    """A trial with the numbers that it gave, and the seconds that it took."""

    trial: Trial
    numbers: Numbers
    seconds: float

    def to_json(self) -> Fields:
        """As results.json holds it."""
        condition = dict(self.trial.condition)
        return {"condition": condition, "seed": self.trial.seed, "seconds": self.seconds, "numbers": self.numbers}

    @classmethod
    def from_json(cls, plain: object, origin: str) -> "TrialOutcome":
        """Back from to_json's form; `origin` says in errors where it came from."""
        stored = record_in(StoredTrial, plain, origin)
        return cls(Trial(stored.condition, stored.seed), stored.numbers, stored.seconds)


def is_numeric(value: object) -> bool:
    """Whether a value is a number, nothing (one that was not finite), or lists of these."""
    if isinstance(value, list):
        return all(map(is_numeric, value))
    return value is None or isinstance(value, int | float)
