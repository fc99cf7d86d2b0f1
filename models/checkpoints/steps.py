"""The models of a training run by step: its snapshots, and the one that it ended in."""

import json
from pathlib import Path

from models.checkpoints.refusal import CheckpointError
from models.training.history import read_history
from models.zoo import snapshots

# Who wrote it -> the file that says at which step a run ended, and under which name: ours, and transformers' Trainer.
ENDS = {"training.json": "steps", "trainer_state.json": "global_step"}


def last_step(folder: Path) -> int | None:
    """The step of the model that a run ended in, where a file beside it, or else its history, says so."""
    for file, name in ENDS.items():
        if (folder / file).is_file():
            return int(json.loads((folder / file).read_text(encoding="utf-8"))[name])
    history = read_history(folder / "history.jsonl")
    return int(history[-1]["step"]) if history else None


def own_run(folder: Path) -> Path | None:
    """The run that a model belongs to: its own folder, or that of which it is a snapshot, where there are snapshots."""
    if snapshots(folder):
        return folder
    return folder.parent if folder in snapshots(folder.parent).values() else None


def at_step(folder: Path, step: int) -> Path:
    """The folder of the run's model at that step. Raises CheckpointError with the steps that there are."""
    steps = snapshots(folder)
    if (folder / "config.json").is_file() and (last := last_step(folder)) is not None:
        steps[last] = folder
    if step not in steps:
        present = ", ".join(map(str, sorted(steps))) or "none"
        raise CheckpointError(f"cannot load {folder}: step {step!r} asked; there are {present}")
    return steps[step]
