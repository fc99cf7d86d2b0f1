"""Losses: how the loss of training runs fell, from the histories beside their models."""

from collections.abc import Mapping
from pathlib import Path

import torch

from headscope.interp.results.about import About
from headscope.interp.trajectories.trajectory import Trajectory
from headscope.models.fitting.history import read_history

MEASURES = ("loss", "validation_loss")
ABOUT = About(
    title="Loss while it was trained",
    unit="nats per token",
    law="mean cross-entropy of the next token: of the training batch before the step, of the held-out text after it",
    source="the run's own history",
    plain="How well the model predicted the next token at every step that was written down; lower is better.",
)


def losses(runs: Mapping[str, str | Path]) -> Trajectory:
    """The histories of runs, name -> folder, as trajectories; NaN where a step was not measured.

    Raises ValueError for runs without a history.
    """
    histories = {name: read_history(Path(folder) / "history.jsonl") for name, folder in runs.items()}
    points = [(name, record) for name, history in histories.items() for record in history]
    if not points:
        raise ValueError(f"no history.jsonl lies in {', '.join(map(str, runs.values())) or 'no folder'}")
    names = tuple(runs)
    missing = tuple(f"{name}: no history lies beside it" for name, history in histories.items() if not history)
    return Trajectory(
        value=torch.tensor([[record.get(item, torch.nan) for item in MEASURES] for _, record in points]),
        run=torch.tensor([names.index(name) for name, _ in points]),
        step=torch.tensor([record["step"] for _, record in points]),
        runs=names,
        fingerprint=("",) * len(points),
        warnings=missing,
        about=ABOUT,
        labels={"point": tuple(f"{name} at {record['step']}" for name, record in points), "measure": MEASURES},
    )
