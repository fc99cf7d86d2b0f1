"""Over checkpoints: a number of a sweep by step of training, and a curve of every checkpoint."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch

from headscope.interp.sweeps.numbers_table import along_and_where
from headscope.interp.sweeps.store import Planned
from headscope.interp.sweeps.swept import Sweep
from headscope.interp.sweeps.unit import checkpoint_title
from headscope.interp.trajectories.checkpoint_curves import ABOUT, CheckpointCurves
from headscope.interp.trajectories.trajectory import TRAJECTORY, Trajectory
from headscope.models.io.near_names import known_names

Frame = Any  # pandas' own types know neither what a group nor what a column is


def sweep_trajectory(result: Sweep, numbers: Sequence[str], prompts: str) -> Trajectory:
    """Numbers, each analysis.field, of every checkpoint that has a step: the mean of all in it, NaN left out.

    Raises ValueError for a number that was not measured, and where no checkpoint has a step.
    """
    frame = of_prompts(result, prompts).dropna(subset=["step"])
    if frame.empty:
        raise ValueError(f"no checkpoint of the sweep in {result.folder} has a step: ask for steps of runs")
    means = frame.groupby(["run", "step", "name"], sort=False)["value"].mean().unstack()
    refuse_unknown(numbers, means.columns)
    means = means[list(numbers)].dropna(how="all").sort_index()
    runs = tuple(dict.fromkeys(run for run, _ in means.index))
    prints = {(unit.run, unit.step): unit.weights for unit in result.units}
    return Trajectory(
        value=torch.tensor(means.to_numpy(), dtype=torch.float64),
        run=torch.tensor([runs.index(run) for run, _ in means.index]),
        step=torch.tensor([int(step) for _, step in means.index]),
        runs=runs,
        fingerprint=tuple(prints[run, int(step)] for run, step in means.index),
        about=replace(TRAJECTORY, title="Over the checkpoints of a sweep"),
        labels={
            "point": tuple(checkpoint_title(run, int(step)) for run, step in means.index),
            "measure": tuple(numbers),
        },
    )


def checkpoint_curves(result: Sweep, number: str, prompts: str, along: str, where: str = "") -> CheckpointCurves:
    """One number, analysis.field, along one of its axes, at one place of the others, of every checkpoint.

    along: the axis. where: as the table's column place says it without that axis. Raises ValueError for what is not
    there.
    """
    frame = with_axis(of_prompts(result, prompts), along)
    refuse_unknown([number], frame["name"])
    refuse_unknown([where], frame.loc[frame["name"] == number, "where"])
    at = frame[frame["where"] == where]
    titles = tuple(dict.fromkeys(at["checkpoint"]))
    value, null = (table_of(at, name, titles) for name in (number, f"{number}_null"))
    return CheckpointCurves(
        torch.tensor(value.to_numpy()),
        torch.tensor(null.reindex(columns=value.columns).to_numpy()),
        about=replace(ABOUT, title=f"{number} along {along}"),
        labels={"checkpoint": titles, "place": tuple(value.columns)},
    )


def of_prompts(result: Sweep, prompts: str) -> Frame:
    """The rows of one set of prompts, with the full names of numbers and checkpoints. ValueError for an unknown set."""
    frame: Frame = result.to_frame()
    refuse_unknown([prompts], frame["prompts"])
    frame = frame[frame["prompts"] == prompts]
    steps = [None if step != step else int(step) for step in frame["step"]]
    titles = [checkpoint_title(run, step) for run, step in zip(frame["run"], steps, strict=True)]
    return frame.assign(name=number_names(frame), checkpoint=titles)


def number_names(frame: Frame) -> Frame:
    """analysis.field of every row."""
    return frame["analysis"] + "." + frame["number"]


def with_axis(frame: Frame, axis: str) -> Frame:
    """The rows that have an axis: its index or label in the column at, the rest of their place in where."""
    pairs = {place: along_and_where(place, axis) for place in frame["place"].unique()}
    frame = frame.assign(
        at=frame["place"].map(lambda place: pairs[place][0]), where=frame["place"].map(lambda place: pairs[place][1])
    )
    if not (frame["at"] != "").any():
        raise ValueError(f"no number of this sweep has an axis {axis!r}")
    return frame[frame["at"] != ""]


def table_of(frame: Frame, name: str, checkpoints: Sequence[str]) -> Frame:
    """A number as a row per checkpoint, a column per place, the mean where heads share a place."""
    chosen = frame[frame["name"] == name]
    order = list(dict.fromkeys(chosen["at"]))
    return (
        chosen.groupby(["checkpoint", "at"])["value"].mean().unstack().reindex(index=list(checkpoints), columns=order)
    )


def refuse_unknown(names: Sequence[str], known: Iterable[str]) -> None:
    """Raise ValueError for a name that is not there."""
    there = list(dict.fromkeys(known))
    for name in names:
        if name not in there:
            raise ValueError(f"the sweep holds no {name!r}; known: {known_names(name, there)}")


def names_in(units: Sequence[Planned]) -> tuple[str, ...]:
    """The sets of prompts of a sweep."""
    return tuple(dict.fromkeys(unit.prompts for unit in units))
