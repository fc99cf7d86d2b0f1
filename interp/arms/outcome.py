"""Outcome: the measured trials of one experiment at one size, and samples of their numbers over seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.trial import DIVERGED, Level, TrialOutcome
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.io.plain_values import read_plain
from headscope.models.io.records import record_in

FORMAT = "headscope experiment 1"


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment: its size by name and by numbers, machine, trials, and version of its measure."""

    experiment: str
    size: str
    numbers_of_size: Fields
    machine: Fields
    trials: tuple[TrialOutcome, ...]
    version: int = 1

    def where(self, **condition: Level) -> "Outcome":
        """The trials under these values. ValueError where there are none."""
        kept = tuple(item for item in self.trials if item.trial.matches(**condition))
        if not kept:
            raise ValueError(f"{self.experiment} has no trial with {condition}")
        return replace(self, trials=kept)

    def conditions(self, name: str) -> list[Level]:
        """The values of one part of the condition, in the order of the trials."""
        return list(dict.fromkeys(item.trial.condition[name] for item in self.trials if name in item.trial.condition))

    def sample(self, number: str) -> Float[np.ndarray, "trial *numbers"]:
        """A number of every trial, NaN where it is not finite or the trial diverged; where all did, a NaN each.

        ValueError where a trial that did not diverge has no such number.
        """
        if missing := [item.trial.key for item in self.finished if number not in item.numbers]:
            raise ValueError(f"{self.experiment}: {missing[0]} has no number {number!r}")
        result = {item.trial.key: np.array(item.numbers[number], dtype=float) for item in self.finished}
        hole = np.full_like(next(iter(result.values())), np.nan) if result else np.array(np.nan)
        return np.array([result.get(item.trial.key, hole) for item in self.trials])

    def entry(self, number: str, at: int) -> Float[np.ndarray, "trial"]:
        """One entry of a number that is a list, of every trial; NaN where a trial diverged."""
        result = self.sample(number)
        return result[:, at] if result.ndim > 1 else result

    def first(self, number: str) -> Any:
        """A number of the first trial that did not diverge. ValueError where every one did."""
        if not self.finished:
            raise ValueError(f"{self.experiment}: every trial diverged, none has the number {number!r}")
        return self.finished[0].numbers[number]

    @property
    def finished(self) -> list[TrialOutcome]:
        """The trials that did not diverge."""
        return [trial for trial in self.trials if DIVERGED not in trial.numbers]

    def split(self, name: str) -> Iterator[tuple[Level, "Outcome"]]:
        """The trials under each value of one part of the condition."""
        return ((value, self.where(**{name: value})) for value in self.conditions(name))

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len({item.trial.seed for item in self.trials})

    def to_json(self) -> Fields:
        """As results.json."""
        return {
            "format": FORMAT,
            "experiment": self.experiment,
            "version": self.version,
            "size": self.size,
            "numbers_of_size": dict(self.numbers_of_size),
            "machine": dict(self.machine),
            "trials": [trial.to_json() for trial in self.trials],
        }


@dataclass(frozen=True)
class StoredOutcome:
    """A results.json, its trials still as they stand there; the first ones have no version."""

    format: str
    experiment: str
    size: str
    numbers_of_size: Fields
    machine: Fields
    trials: tuple[object, ...]
    version: int = 1


def read_outcome(path: Path) -> Outcome:
    """The outcome of a results.json. Raises ForeignInputError for another file."""
    plain = read_plain(path)
    if isinstance(plain, Mapping) and (other := plain.get("format")) != FORMAT:
        raise ForeignInputError(f"cannot read {path}: its format is {other!r:.40}; known: {FORMAT!r}")
    stored = record_in(StoredOutcome, plain, str(path))
    trials = tuple(TrialOutcome.from_json(item, f"trial {at} of {path}") for at, item in enumerate(stored.trials))
    numbers = stored.numbers_of_size
    return Outcome(stored.experiment, stored.size, numbers, stored.machine, trials, stored.version)
