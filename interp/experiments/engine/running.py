"""Running an experiment: trial after trial, each kept as it is finished, so that a stopped run goes on."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Place, Trial, TrialOutcome
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.measure_version import keep_version
from headscope.interp.experiments.engine.table import experiment_named
from headscope.models.fitting.machine import machine_facts
from headscope.models.io.fields import Fields
from headscope.models.io.json_file import write_json
from headscope.models.io.plain_values import read_plain
from headscope.models.io.records import record_in

RESULT = "result.json"


@dataclass(frozen=True)
class ExperimentRequest:
    """An experiment by name, a size by name, how many seeds, and the folder that all experiments share.

    jobs: how many trials at a time, each in a process of its own.
    """

    experiment: str
    size: str
    seeds: int
    root: Path
    jobs: int = 1

    @property
    def folder(self) -> Path:
        """What this experiment writes at this size."""
        return self.root / self.experiment / self.size

    def place(self, trial: Trial) -> Place:
        """Where a trial writes."""
        return Place(self.folder / "trials" / trial.key, self.root / "models" / self.size)


def outcome_of(request: ExperimentRequest, watch: Watch, done: Callable[[int, int], None]) -> Outcome:
    """All trials, those that were measured before taken as they are; done(finished, all) after each.

    Ctrl+C raises KeyboardInterrupt; asked again, it goes on with what is missing. ValueError for a folder with
    results of other numbers, or of another version of the measure.
    """
    experiment = experiment_named(request.experiment)
    size = experiment.size(request.size)
    trials = experiment.trials(size, request.seeds)
    keep_version(request.folder, experiment)
    if len({trial.key for trial in trials}) < len(trials):
        raise ValueError(f"{request.experiment} has two trials of one name: {', '.join(item.key for item in trials)}")
    for finished, _ in enumerate(_measured(request, trials, watch), start=1):
        done(finished, len(trials))
    result = tuple(measured_before(request, trial, asdict(size)) for trial in trials)
    machine = machine_facts(request.jobs)
    measured = tuple(item for item in result if item)
    return Outcome(request.experiment, request.size, asdict(size), machine, measured, experiment.version)


def _measured(request: ExperimentRequest, trials: list[Trial], watch: Watch) -> Iterator[TrialOutcome]:
    """Every trial as it is finished."""
    size = experiment_named(request.experiment).size(request.size)
    before = {trial: measured_before(request, trial, asdict(size)) for trial in trials}
    yield from filter(None, before.values())
    missing = [trial for trial in trials if before[trial] is None]
    if request.jobs == 1:
        yield from (measure(request, trial, watch) for trial in missing)
    elif missing:
        yield from _side_by_side(request, missing)


def _side_by_side(request: ExperimentRequest, trials: list[Trial]) -> Iterator[TrialOutcome]:
    """Every trial in a process of its own, some at a time; what waits is dropped when one is refused or stopped."""
    threads = max(1, torch.get_num_threads() // request.jobs)
    with ProcessPoolExecutor(request.jobs, get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        waiting = [pool.submit(measure, request, trial) for trial in trials]
        try:
            yield from (item.result() for item in as_completed(waiting))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def watch_no_trial(words: str, done: int, total: int) -> None:
    """Watches nothing."""


def measure(request: ExperimentRequest, trial: Trial, watch: Watch = watch_no_trial) -> TrialOutcome:
    """Measure one trial and keep what it gave."""
    experiment = experiment_named(request.experiment)
    size, place, began = experiment.size(request.size), request.place(trial), monotonic()
    place.own.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(trial.seed)
    try:
        numbers = experiment.measure(trial, size, place, watch)
    except FloatingPointError:  # the same steps would diverge again: that is what was measured
        numbers = {DIVERGED: 1}
    result = TrialOutcome(trial, rounded(numbers), round(monotonic() - began, 1))
    write_json(place.own / RESULT, {"size": asdict(size), **result.to_json()})
    return result


@dataclass(frozen=True)
class SizeOfTrial:
    """The numbers that a kept trial ran at, beside what it gave."""

    size: Fields


def measured_before(request: ExperimentRequest, trial: Trial, size: Fields) -> TrialOutcome | None:
    """What a trial gave earlier; None where it is still to do. ValueError where it ran at other numbers."""
    path = request.place(trial).own / RESULT
    if not path.is_file():
        return None
    plain = read_plain(path)
    before = record_in(SizeOfTrial, plain, str(path), others=True).size
    if before != (now := json.loads(json.dumps(size))):
        other = next(name for name in {**now, **before} if now.get(name) != before.get(name))
        raise ValueError(
            f"{request.folder} holds trials with {other} {before.get(other)}; the size {request.size!r} has "
            f"{now.get(other)} now: give another folder, or remove that one"
        )
    assert isinstance(plain, dict)  # record_in takes no other
    return TrialOutcome.from_json({name: value for name, value in plain.items() if name != "size"}, str(path))


def rounded(numbers: Any) -> Any:
    """Numbers of six significant digits, as they are worth keeping; what is not finite is None."""
    if isinstance(numbers, dict):
        return {name: rounded(item) for name, item in numbers.items()}
    if isinstance(numbers, list | tuple):
        return [rounded(number) for number in numbers]
    if isinstance(numbers, float):
        return float(f"{numbers:.6g}") if abs(numbers) < float("inf") else None
    return numbers
