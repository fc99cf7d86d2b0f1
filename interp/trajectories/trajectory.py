"""Trajectory: numbers of a model over the snapshots of one or several training runs."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.trajectories.measures import Measure, NamedNumbers, numbers_by_name
from headscope.interp.trajectories.snapshots import run_folder
from headscope.models.checkpoints import open_folder

if TYPE_CHECKING:
    import pandas as pd

TRAJECTORY = About(
    title="Trajectory",
    unit="that of the measure",
    law="the measure of every snapshot, by its step",
    source="headscope",
    plain="A number of the model at every snapshot of its training.",
)


@dataclass(frozen=True, repr=False)
class Trajectory(Result):
    """A point per run and snapshot, runs one after the other, steps rising within each.

    run: the index of a point's run in runs. fingerprint: sha256 of what a point's snapshot holds, weights and config.
    warnings: sentences on snapshots of one run that are the same model, and on models that were left out.
    gauge_dependent: the measures that a change of gauge, which leaves the models' functions alone, changes.
    """

    drawn_by = "trajectories:trajectory_figure"

    value: Float[Tensor, "point measure"]
    run: Int[Tensor, "point"]
    step: Int[Tensor, "point"]
    runs: tuple[str, ...]
    fingerprint: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    gauge_dependent: tuple[str, ...] = ()

    def to_frame(self, field: str | None = None) -> "pd.DataFrame":
        """A row per point and measure, as every result has it, with the point's run, step and fingerprint."""
        frame = super().to_frame(field)
        at = frame["point"].to_numpy()
        words = {
            "run": [self.runs[i] for i in self.run.numpy()[at]],
            "step": self.step.numpy()[at],
            "fingerprint": [self.fingerprint[i] for i in at],
        }
        return frame.assign(**words)


@dataclass(frozen=True)
class Point:
    """One snapshot of one run, and what was measured of it."""

    run: str
    step: int
    fingerprint: str
    numbers: NamedNumbers


def trajectory(
    runs: Mapping[str, str | Path], measure: Measure, watch: Watch = watch_nothing, title: str = ""
) -> Trajectory:
    """Measure the snapshots of every run, name -> folder; they are opened one at a time, and watch(done, total) counts.

    Raises ValueError without runs, for a run without snapshots, and for a measure whose names change.
    """
    if not runs:
        raise ValueError("a trajectory needs at least one run, as a name with the folder of its snapshots")
    folders = {name: run_folder(folder) for name, folder in runs.items()}
    planned = [(name, step, place) for name, result in folders.items() for step, place in result.steps.items()]
    points = []
    for done, (name, step, place) in enumerate(planned, start=1):
        points.append(snapshot_point(name, step, place, measure))
        refuse_other_measure_names(points[0], points[-1])
        watch(done, len(planned))
    left_out = tuple(result.unknown for result in folders.values() if result.unknown)
    about = TRAJECTORY if not title else replace(TRAJECTORY, title=title)
    return of_points(points, tuple(runs), left_out, about)


def snapshot_point(run: str, step: int, folder: Path, measure: Measure) -> Point:
    """Open a snapshot, measure it and let it go."""
    from headscope.models.hooked import hooked

    gc.collect()  # the snapshot before this one: a hooked model refers to itself, and would stay
    opened = open_folder(folder)
    result = measure(hooked(opened.model, opened.tokenizer))
    return Point(
        run,
        step,
        opened.fingerprint,
        result if isinstance(result, NamedNumbers) else NamedNumbers(numbers_by_name(result), {}),
    )


def of_points(points: list[Point], runs: tuple[str, ...], left_out: tuple[str, ...], about: About) -> Trajectory:
    """The points as a result."""
    changed = [item for point in points for item in point.numbers.by_gauge.items()]
    return Trajectory(
        value=torch.tensor([list(point.numbers.values.values()) for point in points], dtype=torch.float64),
        run=torch.tensor([runs.index(point.run) for point in points]),
        step=torch.tensor([point.step for point in points]),
        runs=runs,
        fingerprint=tuple(point.fingerprint for point in points),
        warnings=left_out + twins(points),
        gauge_dependent=tuple(dict.fromkeys(name for _, names in changed for name in names)),
        about=replace(about, by_gauge={gauge: ("value",) for gauge, _ in changed}),
        labels={
            "point": tuple(f"{point.run} at {point.step}" for point in points),
            "measure": tuple(name or "value" for name in points[0].numbers.values),
        },
    )


def refuse_other_measure_names(first: Point, now: Point) -> None:
    """A measure must say the same of every snapshot."""
    if list(now.numbers.values) != list(first.numbers.values):
        raise ValueError(
            f"the measure gave {', '.join(now.numbers.values)} at step {now.step} of {now.run}, and "
            f"{', '.join(first.numbers.values)} before: it must give the same names for every snapshot"
        )


def twins(points: list[Point]) -> tuple[str, ...]:
    """A sentence for every snapshot that is the same model as an earlier one of its run."""
    seen: dict[tuple[str, str], int] = {}
    words = []
    for point in points:
        first = seen.setdefault((point.run, point.fingerprint), point.step)
        if first != point.step:
            words.append(f"{point.run}: steps {first} and {point.step} hold the same model")
    return tuple(words)
