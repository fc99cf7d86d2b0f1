"""The models of a training run by step: its snapshots, and the one that it ended in."""

from pathlib import Path

from headscope.models import zoo
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.fitting.history import MOST_WHOLE, read_history
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.io.json_file import read_json_object
from headscope.models.zoo import snapshots

# Who wrote it -> the file that says at which step a run ended, and under which name: ours, and transformers' Trainer.
ENDS = {"training.json": "steps", "trainer_state.json": "global_step"}


def last_step(folder: Path) -> int | None:
    """The step of the model that a run ended in, where a file beside it, or else its history, says so."""
    for file, name in ENDS.items():
        if (folder / file).is_file():
            return step_in(folder / file, name)
    history = read_history(folder / "history.jsonl")
    return int(history[-1]["step"]) if history else None


def step_in(file: Path, name: str) -> int:
    """The step that a JSON file says under a name."""
    step = read_json_object(file, name)[name]
    if type(step) is not int or not 0 <= step < MOST_WHOLE:
        raise ForeignInputError(f"cannot read {file}: its {name!r} is {step!r:.40}, not a whole number")
    return step


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
        raise CheckpointError(f"cannot load {folder}: step {step!r} asked; there are {present}{kept_elsewhere(folder)}")
    return steps[step]


def kept_elsewhere(folder: Path) -> str:
    """Where the snapshots of a shipped model are that was installed without them, as the end of a sentence."""
    if folder.parent != zoo.HERE or folder.name not in zoo.WITH_SNAPSHOTS or snapshots(folder):
        return ""
    return "; the snapshots are kept in the repository, not in the installed package"
