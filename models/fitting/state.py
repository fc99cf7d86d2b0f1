"""The state of a run that can go on: one file, replaced at once, read without running code."""

import os
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.whole_file import whole_file


@dataclass(frozen=True)
class State:
    """Finished steps, seconds spent on them, weights and optimizer moments.

    There are no random states: the batch and the dropout of a step follow from the seed and the step.
    """

    step: int
    seconds: float
    model: dict[str, Tensor]
    optimizer: dict[str, object]


def save_state(state: State, path: Path) -> None:
    """Replace the saved state; a kill leaves the old one or the new one, whole."""
    with whole_file(path) as partial, partial.open("wb") as file:
        torch.save(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())


def load_state(path: Path) -> State:
    """The saved state, on the CPU. Raises ForeignInputError for a file that is damaged or another."""
    with unusable_state(path):
        return State(**torch.load(path, map_location="cpu", weights_only=True))


def unusable_state(path: Path) -> AbstractContextManager[None]:
    """foreign_input around what a state is used for; torch's own words would advise to load what is not safe."""
    what = f"cannot go on from {path}: it is damaged, or the state of another run"
    return foreign_input(what, advice="remove it to begin anew", quotes=False)
