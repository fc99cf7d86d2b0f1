"""Snapshots: the models that a training run left in its folder, each with its step."""

from dataclasses import dataclass
from pathlib import Path

from headscope.models.checkpoints.steps import last_step
from headscope.models.zoo import snapshots


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
        return run_with_a_snapshot(folder, RunFolder(steps))
    last = last_step(folder)
    if last is None:
        return run_with_a_snapshot(
            folder, RunFolder(steps, f"{folder.name}: its own model is left out, no file says its step")
        )
    return RunFolder({**{step: place for step, place in steps.items() if step != last}, last: folder})


def run_with_a_snapshot(folder: Path, run: RunFolder) -> RunFolder:
    """Refuse a run without a snapshot."""
    if not run.steps:
        raise ValueError(
            f"{folder} holds no snapshots: a run has models in folders such as step-000100 or checkpoint-100, "
            "or a model with a training.json, trainer_state.json or history.jsonl beside it"
        )
    return run
