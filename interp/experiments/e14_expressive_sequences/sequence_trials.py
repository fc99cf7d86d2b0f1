"""Trials of E14: both variants on every cell (N, τ), of fresh sequences and of held-out cycles, at three sizes."""

from dataclasses import dataclass

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_sizes import CELLS, Cells, cell_name
from headscope.interp.experiments.e14_expressive_sequences.sequence_training import FRESH, KINDS
from headscope.models.data.tasks.delayed_sums import DelayedSum

ARMS = ("expressive", "softmax")


@dataclass(frozen=True)
class PaperSize:
    """Cells (N, τ), steps, after how many of them accuracy is measured, windows of a step and their symbols, shape.

    measured: windows at most that an accuracy is measured on.
    """

    cells: Cells
    steps: int
    measure_every: int
    batch: int
    length: int
    d_model: int
    layers: int
    heads: int
    measured: int

    def laws(self, kind: str) -> dict[str, DelayedSum]:
        """The cells by name; of held-out cycles those that have cycles enough."""
        laws = [DelayedSum(N, tau) for N, tau in self.cells]
        return {cell_name(law): law for law in laws if kind == FRESH or law.is_splittable()}


SIZES = {
    "smoke": PaperSize(((4, 4), (5, 4)), 2, 1, batch=4, length=12, d_model=16, layers=2, heads=4, measured=8),
    "default": PaperSize(
        ((4, 5), (5, 4), (8, 4), (16, 3)), 4000, 200, batch=8, length=16, d_model=64, layers=2, heads=4, measured=256
    ),
    "full": PaperSize(CELLS, 200_000, 2000, batch=32, length=64, d_model=128, layers=2, heads=4, measured=1024),
}


def trials(size: PaperSize, seeds: int) -> list[Trial]:
    """Both variants with every seed on every cell, with fresh sequences and with held-out cycles."""
    return [
        Trial({"variant": variant, "sequences": kind, "cell": cell}, seed)
        for seed in range(seeds)
        for kind in KINDS
        for cell in size.laws(kind)
        for variant in ARMS
    ]
