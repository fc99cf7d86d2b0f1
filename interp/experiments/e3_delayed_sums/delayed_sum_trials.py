"""Trials of E3: the grid of (N, τ) at three sizes, every law alone and all of them mixed, by whole cycles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e3_delayed_sums.task_models import SPECS
from headscope.models.data.examples import Examples, Task
from headscope.models.data.tasks.answering import HELD_OUT
from headscope.models.data.tasks.delayed_sums import DelayedSum, mixed_windows_from, mixture, windows_from, windows_of
from headscope.models.untrained.decoder import DecoderShape


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


@dataclass(frozen=True)
class Windows:
    """What a trial trains on, and what is measured: windows from states trained on, and from those held out."""

    training: Task
    seen: Examples
    held_out: Examples


def windows(trial: Trial, size: SequenceSize) -> Windows:
    """The windows of the trial's law, or of all laws mixed."""
    if trial.condition["task"] == "mixture":
        return windows_mixed(size.laws, size)
    return windows_alone(DelayedSum(int(trial.condition["N"]), int(trial.condition["τ"])), size)


def windows_alone(law: DelayedSum, size: SequenceSize) -> Windows:
    """Of one law: no state that is measured begins two windows."""
    split = law.split()
    seen, held_out = (each_once(states, size.measured) for states in (split.training, split.held_out))
    return Windows(
        windows_of(law, split.training, size.length),
        windows_from(law, seen, size.length),
        windows_from(law, held_out, size.length),
    )


def windows_mixed(laws: list[DelayedSum], size: SequenceSize) -> Windows:
    """Of all laws: as many measured windows of each, as far as its states reach."""
    splits, share = [law.split() for law in laws], size.measured // len(laws)
    return Windows(
        mixture(laws, [split.training for split in splits], size.length),
        mixed_windows_from(laws, [each_once(split.training, share) for split in splits], size.length),
        mixed_windows_from(laws, [each_once(split.held_out, share) for split in splits], size.length),
    )


def each_once(states: Int64[np.ndarray, "state"], most: int) -> Int64[np.ndarray, "chosen"]:
    """All of the states, or as many as asked for: the same for every model and seed."""
    return np.random.default_rng([HELD_OUT]).permutation(states)[:most]
