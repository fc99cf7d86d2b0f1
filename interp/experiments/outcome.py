"""Outcome: the measured trials of one experiment at one size, and samples of their numbers over seeds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from interp.experiments.trial import DIVERGED, Measured

FORMAT = "headscope experiment 1"


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
        """A number of every trial, NaN of one that diverged. ValueError where a trial, or every one, has none."""
        found = {one.trial.key: one.numbers.get(number) for one in self.trials if DIVERGED not in one.numbers}
        missing = [key for key, value in found.items() if value is None]
        if missing or not found:
            raise ValueError(f"{self.experiment}: {missing[0] if missing else 'no trial'} has no number {number!r}")
        hole = np.full_like(np.array(next(iter(found.values())), dtype=float), np.nan)
        return np.array([found.get(one.trial.key, hole) for one in self.trials], dtype=float)

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
    """The outcome of a results.json. ValueError for another file."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    if plain.get("format") != FORMAT:
        raise ValueError(f"{path} is no {FORMAT!r}: its format is {plain.get('format')!r}")
    trials = tuple(map(Measured.from_json, plain["trials"]))
    return Outcome(plain["experiment"], plain["size"], plain["numbers_of_size"], plain["machine"], trials)
