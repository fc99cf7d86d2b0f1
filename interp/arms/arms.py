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
Samples = Mapping[str, Float[np.ndarray, "seed *numbers"]]  # name of an arm -> a number of its seeds


def arms(outcome: Outcome, name: str) -> Arms:
    """The trials by one part of their condition."""
    return {str(value): part for value, part in outcome.split(name)}


def arm_numbers(
    by_arm: Arms, number: str, about: About, reference: float | None = None, reference_name: str = "chance"
) -> ArmNumbers:
    """A number of every trial, by arm; beside a reference such as what knowing nothing would give."""
    samples = {arm: sample.astype(np.float32) for arm, sample in samples_of(by_arm, number).items()}
    return sample_numbers(samples, about, reference, reference_name)


def samples_of(by_arm: Arms, number: str) -> dict[str, Float[np.ndarray, "seed *numbers"]]:
    """A number of every trial, by arm."""
    return {arm: item.sample(number) for arm, item in by_arm.items()}


def sample_numbers(
    samples: Samples, about: About, reference: float | None = None, reference_name: str = "chance"
) -> ArmNumbers:
    """A number per seed of every arm; NaN where an arm has fewer seeds."""
    value = padded_rows([*samples.values()])
    labels = {"arm": tuple(samples), "seed": seed_names(value.shape[1])}
    return ArmNumbers(value, reference, reference_name, about=about, labels=labels)


def padded_rows(samples: Sequence[Float[np.ndarray, "_"]]) -> Float[Tensor, "arm seed"]:
    """Samples as rows, NaN where one is shorter."""
    rows = [torch.from_numpy(sample) for sample in samples]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=float("nan"))


def seed_names(count: int) -> tuple[str, ...]:
    """The seeds of an experiment, which are counted from 0."""
    return tuple(f"seed {at}" for at in range(count))


def arm_curves(
    by_arm: Arms, number: str, x: Sequence[float | int], about: About, x_title: str, **look: bool
) -> ArmCurves:
    """A list of numbers of every trial, by arm: its mean and spread over the seeds."""
    return sample_curves(samples_of(by_arm, number), x, about, x_title, **look)


def sample_curves(samples: Samples, x: Sequence[float | int], about: About, x_title: str, **look: bool) -> ArmCurves:
    """A list of numbers per seed of every arm: its mean and spread; NaN where all seeds of an arm diverged."""
    mean, spread = mean_and_spread([whole_curves(item, len(x)) for item in samples.values()])
    return ArmCurves(mean, spread, tuple(x), x_title, **look, about=about, labels={"arm": tuple(samples)})


def whole_curves(sample: Float[np.ndarray, "seed *x"], length: int) -> Float[np.ndarray, "seed x"]:
    """Curves of a length; NaN where all of an arm diverged, which has a NaN a seed."""
    return sample if sample.ndim > 1 else np.full((len(sample), length), np.nan)


def mean_and_spread(
    samples: Sequence[Float[np.ndarray, "seed *numbers"]],
) -> tuple[Float[Tensor, "arm *numbers"], Float[Tensor, "arm *numbers"]]:
    """Mean and standard deviation over the seeds of every arm."""
    mean, spread = (torch.tensor(np.stack([take(item) for item in samples])) for take in (mean_over_trials, spread_of))
    return mean, spread


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
