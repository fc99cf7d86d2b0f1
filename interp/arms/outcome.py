"""Outcome: the measured trials of one experiment at one size, and samples of their numbers over seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.trial import DIVERGED, Measured
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.io.json_file import read_json_object

FORMAT = "headscope experiment 1"
PARTS = {"experiment": str, "size": str, "numbers_of_size": dict, "machine": dict, "trials": list}


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment: its size by name and by numbers, the machine, and every trial."""

    experiment: str
    size: str
    numbers_of_size: Mapping[str, Any]
    machine: Mapping[str, Any]
    trials: tuple[Measured, ...]

    def where(self, **condition: Any) -> "Outcome":
        """The trials under these values. ValueError where there are none."""
        kept = tuple(one for one in self.trials if one.trial.matches(**condition))
        if not kept:
            raise ValueError(f"{self.experiment} has no trial with {condition}")
        return Outcome(self.experiment, self.size, self.numbers_of_size, self.machine, kept)

    def conditions(self, name: str) -> list[Any]:
        """The values of one part of the condition, in the order of the trials."""
        return list(dict.fromkeys(one.trial.condition[name] for one in self.trials if name in one.trial.condition))

    def sample(self, number: str) -> Float[np.ndarray, "trial *numbers"]:
        """A number of every trial, NaN where it is not finite or the trial diverged; where all did, a NaN each.

        ValueError where a trial that did not diverge has no such number.
        """
        if missing := [one.trial.key for one in self.finished if number not in one.numbers]:
            raise ValueError(f"{self.experiment}: {missing[0]} has no number {number!r}")
        found = {one.trial.key: np.array(one.numbers[number], dtype=float) for one in self.finished}
        hole = np.full_like(next(iter(found.values())), np.nan) if found else np.array(np.nan)
        return np.array([found.get(one.trial.key, hole) for one in self.trials])

    def first(self, number: str) -> Any:
        """A number of the first trial that did not diverge. ValueError where every one did."""
        if not self.finished:
            raise ValueError(f"{self.experiment}: every trial diverged, none has the number {number!r}")
        return self.finished[0].numbers[number]

    @property
    def finished(self) -> list[Measured]:
        """The trials that did not diverge."""
        return [one for one in self.trials if DIVERGED not in one.numbers]

    def split(self, name: str) -> Iterator[tuple[Any, "Outcome"]]:
        """The trials under each value of one part of the condition."""
        return ((value, self.where(**{name: value})) for value in self.conditions(name))

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len({one.trial.seed for one in self.trials})

    def to_json(self) -> dict[str, Any]:
        """As results.json."""
        return {
            "format": FORMAT,
            "experiment": self.experiment,
            "size": self.size,
            "numbers_of_size": dict(self.numbers_of_size),
            "machine": dict(self.machine),
            "trials": [one.to_json() for one in self.trials],
        }


def read_outcome(path: Path) -> Outcome:
    """The outcome of a results.json. Raises ForeignInputError for another file."""
    plain = read_json_object(path)
    if (stored := plain.get("format")) != FORMAT:
        raise ForeignInputError(f"{path} is no {FORMAT!r}: its format is {stored!r:.40}")
    if missing := [name for name in PARTS if name not in plain]:
        raise ForeignInputError(f"{path} is no whole {FORMAT!r}: it has no {missing[0]!r}")
    if strange := [name for name, kind in PARTS.items() if not isinstance(plain[name], kind)]:
        raise ForeignInputError(f"{path} is no {FORMAT!r}: its {strange[0]!r} is no {PARTS[strange[0]].__name__}")
    trials = tuple(Measured.from_json(one, f"trial {at} of {path}") for at, one in enumerate(plain["trials"]))
    return Outcome(plain["experiment"], plain["size"], plain["numbers_of_size"], plain["machine"], trials)
