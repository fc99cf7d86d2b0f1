"""Trials of E3: the grid of (N, τ) at three sizes, every law alone and all of them mixed, by whole cycles."""

from dataclasses import dataclass

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e3_delayed_sums.task_models import SPECS
from headscope.models.data.tasks.delayed_sum_windows import DelayedSums
from headscope.models.data.tasks.delayed_sums import DelayedSum


@dataclass(frozen=True)
class SequenceSize:
    """The grid of (N, τ), steps alone and on the mixture, windows of a step, and the decoders' shape.

    measured: windows at most that an accuracy is measured on.
    """

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
    def vocabulary(self) -> int:
        """Of every task: a token for each symbol and for the name of each law of the grid."""
        return max(self.symbols) + len(self.symbols) * len(self.delays)


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


def delayed_sums(trial: Trial, size: SequenceSize) -> DelayedSums:
    """The windows of the trial's law, or of all laws mixed, in the tokens that all trials share."""
    law = trial.condition
    laws = [(item.N, item.tau) for item in size.laws] if law["task"] == "mixture" else [(int(law["N"]), int(law["τ"]))]
    return DelayedSums(tuple(laws), size.length, size.measured, size.vocabulary)
