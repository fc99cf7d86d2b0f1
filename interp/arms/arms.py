"""Arms of an experiment as results: a number per arm and seed, curves per arm, a grid per arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.arms.outcome import Outcome
from headscope.interp.results.about import About
from headscope.interp.results.result import Result


@dataclass(frozen=True, repr=False)
class ArmNumbers(Result):
    """A number of every arm and seed; NaN where an arm has fewer seeds. reference: what it is to be read beside."""

    drawn_by = "arms.numbers:arm_numbers_figure"

    value: Float[Tensor, "arm seed"]
    reference: float | None = None
    reference_name: str = "chance"


@dataclass(frozen=True, repr=False)
class ArmCurves(Result):
    """Mean and standard deviation over seeds of a number that runs along x, in the unit that x_title says."""

    drawn_by = "arms.numbers:arm_curves_figure"

    mean: Float[Tensor, "arm x"]
    spread: Float[Tensor, "arm x"]
    x: tuple[float | int, ...]
    x_title: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, repr=False)
class ArmGrid(Result):
    """Mean and standard deviation over seeds of a number for every arm, row and column."""

    drawn_by = "arms.numbers:arm_grid_figure"

    mean: Float[Tensor, "arm row column"]
    spread: Float[Tensor, "arm row column"]
    row_title: str
    column_title: str


Arms = Mapping[str, Outcome]  # name of an arm -> its trials


def arms(outcome: Outcome, name: str) -> Arms:
    """The trials by one part of their condition."""
    return {str(value): part for value, part in outcome.split(name)}


def arm_numbers(
    by_arm: Arms, number: str, about: About, reference: float | None = None, reference_name: str = "chance"
) -> ArmNumbers:
    """A number of every trial, by arm; beside a reference such as what knowing nothing would give."""
    samples = [item.sample(number) for item in by_arm.values()]
    value = torch.full((len(samples), max(map(len, samples))), float("nan"))
    for row, sample in zip(value, samples, strict=True):
        row[: len(sample)] = torch.from_numpy(sample)
    labels = {"arm": tuple(by_arm), "seed": seed_names(value.shape[1])}
    return ArmNumbers(value, reference, reference_name, about=about, labels=labels)


def seed_names(count: int) -> tuple[str, ...]:
    """The seeds of an experiment, which are counted from 0."""
    return tuple(f"seed {at}" for at in range(count))


def arm_curves(
    by_arm: Arms, number: str, x: Sequence[float | int], about: About, x_title: str, **look: bool
) -> ArmCurves:
    """A list of numbers of every trial, by arm: its mean and spread over the seeds."""
    samples = [item.sample(number) for item in by_arm.values()]
    curves = [
        item if item.ndim > 1 else np.full((len(item), len(x)), np.nan) for item in samples
    ]  # all of an arm diverged
    mean, spread = (torch.tensor(np.stack([take(curve) for curve in curves])) for take in (mean_over_trials, spread_of))
    return ArmCurves(mean, spread, tuple(x), x_title, **look, about=about, labels={"arm": tuple(by_arm)})


def mean_over_trials(sample: Float[np.ndarray, "trial *numbers"]) -> Float[np.ndarray, "*numbers"]:
    """The mean over the trials."""
    return np.asarray(sample.mean(0))


def spread_of(sample: Float[np.ndarray, "trial *numbers"]) -> Float[np.ndarray, "*numbers"]:
    """The standard deviation over the trials; 0 for one trial alone."""
    return np.asarray(sample.std(0, ddof=1) if len(sample) > 1 else np.zeros_like(sample[0]))


def arm_grid(by_arm: Arms, number: str, rows: str, columns: str, about: About) -> ArmGrid:
    """A number of every arm by two parts of the condition; NaN where there was no trial."""
    first = next(iter(by_arm.values()))
    row_names, column_names = first.conditions(rows), first.conditions(columns)
    mean = torch.full((len(by_arm), len(row_names), len(column_names)), float("nan"))
    spread = mean.clone()
    for arm, outcome in enumerate(by_arm.values()):
        for trials in outcome.trials:
            at = arm, row_names.index(trials.trial.condition[rows]), column_names.index(trials.trial.condition[columns])
            cell = outcome.where(**{name: trials.trial.condition[name] for name in (rows, columns)}).sample(number)
            mean[at], spread[at] = float(cell.mean()), float(spread_of(cell))
    labels = {"arm": tuple(by_arm), "row": tuple(map(str, row_names)), "column": tuple(map(str, column_names))}
    return ArmGrid(mean, spread, rows, columns, about=about, labels=labels)
