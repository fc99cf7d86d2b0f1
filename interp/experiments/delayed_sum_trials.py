"""Trials of E3: the grid of (N, τ) at three sizes, every law alone and all of them mixed, by whole cycles."""

from dataclasses import dataclass

from interp.experiments.task_models import SPECS
from interp.experiments.trial import Trial
from models.tasks.decoder import DecoderShape
from models.tasks.delayed_sums import DelayedSum, mixture, windows_of
from models.tasks.examples import Task


@dataclass(frozen=True)
class SequenceSize:
    """The grid of (N, τ), steps alone and on the mixture, windows of a step, and the decoders' shape."""

    symbols: tuple[int, ...]
    delays: tuple[int, ...]
    steps: int
    mixture_steps: int
    batch: int
    length: int
    d_model: int
    layers: int
    heads: int
    measured: int = 256

    @property
    def laws(self) -> list[DelayedSum]:
        """The cells of the grid that can be split by cycles; the most symbols first."""
        grid = (DelayedSum(N, tau) for N in sorted(self.symbols, reverse=True) for tau in self.delays)
        return [law for law in grid if law.is_splittable()]

    @property
    def shape(self) -> DecoderShape:
        """One shape for every task: a token for each symbol and for the name of each law."""
        vocabulary = max(self.symbols) + len(self.symbols) * len(self.delays)
        return DecoderShape(self.layers, self.heads, self.d_model, vocabulary, self.length + 1)


SIZES = {
    "smoke": SequenceSize((4, 5), (3, 5), 3, 3, batch=4, length=12, d_model=16, layers=2, heads=2, measured=8),
    "default": SequenceSize((4, 8, 16), (2, 3, 4), 400, 1000, batch=32, length=16, d_model=64, layers=2, heads=4),
    "full": SequenceSize((4, 8, 16), (2, 3, 4), 20_000, 80_000, batch=256, length=64, d_model=128, layers=2, heads=4),
}


def trials(size: SequenceSize, seeds: int) -> list[Trial]:
    """Every variant with every seed on every law alone, and on all of them mixed."""
    alone = [{"task": "alone", "N": law.N, "τ": law.tau} for law in size.laws]
    return [
        Trial({"variant": variant, **task}, seed)
        for seed in range(seeds)
        for task in [*alone, {"task": "mixture"}]
        for variant in SPECS
    ]


def tasks(trial: Trial, size: SequenceSize) -> tuple[Task, Task]:
    """Windows of the trial's law, or of all laws, from training states and from those held out."""
    if trial.condition["task"] == "alone":
        law = DelayedSum(int(trial.condition["N"]), int(trial.condition["τ"]))
        split = law.split()
        return windows_of(law, split.training, size.length), windows_of(law, split.held_out, size.length)
    splits = [law.split() for law in size.laws]
    training, held_out = [one.training for one in splits], [one.held_out for one in splits]
    return mixture(size.laws, training, size.length), mixture(size.laws, held_out, size.length)
