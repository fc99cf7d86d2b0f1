"""Sweep request: which analyses of which checkpoints on which prompts, as units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headscope.interp.asking.choices import Choices
from headscope.interp.asking.table import ANALYSES
from headscope.interp.sweeps.content import ContentIndex
from headscope.interp.sweeps.unit import Checkpoint, PromptSet, Unit
from headscope.interp.trajectories.snapshots import run_folder
from headscope.models.hooked.loading import place_of
from headscope.models.io.near_names import known_names

ALL = "all"
Steps = str | Sequence[int] | None


@dataclass(frozen=True)
class Model:
    """A shipped model's name, a folder, a file, or a name of the hub. steps: of its run, "all" or numbers."""

    name: str
    steps: Steps = None

    def __post_init__(self) -> None:
        if isinstance(self.steps, str) and self.steps != ALL:
            raise ValueError(f'steps are "{ALL}" or a list of whole numbers, got {self.steps!r}')


@dataclass(frozen=True)
class SweepRequest:
    """prompts: the texts of every set by its name; bos as in PromptSet."""

    models: tuple[Model, ...]
    analyses: tuple[str, ...]
    prompts: Mapping[str, Sequence[str]]
    bos: bool | None = None
    choices: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        empty = [name for name in ("models", "analyses", "prompts") if not getattr(self, name)]
        empty += [f"prompts.{name}" for name, texts in self.prompts.items() if not texts]
        if empty:
            raise ValueError(f"a sweep needs models, analyses and prompts, one at least of each; {empty[0]} is empty")
        for name in self.analyses:
            if name not in ANALYSES:
                raise ValueError(f"unknown analysis {name!r}; known: {known_names(name, ANALYSES)}")

    def units(self, index: ContentIndex) -> tuple[Unit, ...]:
        """Every analysis of every checkpoint on every set of prompts. ValueError for a model that is not there."""
        sets = [PromptSet(name, tuple(texts), self.bos) for name, texts in self.prompts.items()]
        return tuple(
            Unit(checkpoint, name, ANALYSES[name].version, prompts, self.choices)
            for model in self.models
            for checkpoint in checkpoints_of(model, index)
            for prompts in sets
            for name in self.analyses
        )


def checkpoints_of(model: Model, index: ContentIndex) -> list[Checkpoint]:
    """The model itself, or the chosen snapshots of its run."""
    place = place_of(model.name)
    name = Path(model.name).name
    if model.steps is None:
        return [Checkpoint(name, None, place, *index.digest_of(place))]
    steps = run_folder(place).steps
    chosen = steps if model.steps == ALL else model.steps
    if missing := [step for step in chosen if step not in steps]:
        raise ValueError(f"{model.name} has no snapshot at step {missing[0]}; known: {', '.join(map(str, steps))}")
    return [Checkpoint(name, step, steps[step], *index.digest_of(steps[step])) for step in map(int, chosen)]
