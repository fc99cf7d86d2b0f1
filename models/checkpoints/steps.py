"""The models of a training run by step: its snapshots, and the one that it ended in."""

from dataclasses import dataclass
from pathlib import Path

from headscope.models import zoo
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.fitting.history import read_history, refuse_no_step
from headscope.models.io.records import read_record
from headscope.models.zoo import snapshots


@dataclass(frozen=True)
class End:
    """At which step a run ended, as our training.json says it."""

    steps: int

    def __post_init__(self) -> None:
        refuse_no_step("steps", self.steps)


@dataclass(frozen=True)
class TrainersEnd:
    """The same, as transformers' Trainer says it."""

    global_step: int

    def __post_init__(self) -> None:
        refuse_no_step("global_step", self.global_step)

    @property
    def steps(self) -> int:
        """The step, by our name of it."""
        return self.global_step


ENDS: dict[str, type[End | TrainersEnd]] = {"training.json": End, "trainer_state.json": TrainersEnd}


def last_step(folder: Path) -> int | None:
    """The step of the model that a run ended in, where a file beside it, or else its history, says so."""
    for name, kind in ENDS.items():
        if (file := folder / name).is_file():
            return read_record(kind, file, others=True).steps
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
        raise CheckpointError(f"cannot load {folder}: step {step!r} asked; there are {present}{kept_elsewhere(folder)}")
    return steps[step]


def kept_elsewhere(folder: Path) -> str:
    """Where the snapshots of a shipped model are that was installed without them, as the end of a sentence."""
    if folder.parent != zoo.HERE or folder.name not in zoo.WITH_SNAPSHOTS or snapshots(folder):
        return ""
    return "; the snapshots are kept in the repository, not in the installed package"
