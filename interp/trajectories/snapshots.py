"""Snapshots: the models that a training run left in its folder, each with its step."""

import json
from dataclasses import dataclass
from pathlib import Path

from models.training.history import read_history
from models.zoo import snapshots


@dataclass(frozen=True)
class RunFolder:
    """Step -> folder of a model, first to last; unknown: why the folder's own model was left out, or nothing."""

    steps: dict[int, Path]
    unknown: str = ""


def run_folder(folder: str | Path) -> RunFolder:
    """The snapshots of a run with the model that it ended in, where the folder says at which step.

    Raises ValueError for a folder that holds no model whose step is known.
    """
    folder = Path(folder)
    steps = snapshots(folder)
    if not (folder / "config.json").is_file():
        return checked(folder, RunFolder(steps))
    last = last_step(folder)
    if last is None:
        return checked(folder, RunFolder(steps, f"{folder.name}: its own model is left out, no file says its step"))
    return RunFolder({**{step: place for step, place in steps.items() if step != last}, last: folder})


def last_step(folder: Path) -> int | None:
    """The step of the model that a run ended in, as its training.json or else its history says."""
    facts = folder / "training.json"
    if facts.is_file():
        return int(json.loads(facts.read_text(encoding="utf-8"))["steps"])
    history = read_history(folder / "history.jsonl")
    return int(history[-1]["step"]) if history else None


def checked(folder: Path, found: RunFolder) -> RunFolder:
    """Refuse a run without a snapshot."""
    if not found.steps:
        raise ValueError(
            f"{folder} holds no snapshots: a run has models in folders such as step-000100, or a model with a "
            "training.json or history.jsonl beside it"
        )
    return found
