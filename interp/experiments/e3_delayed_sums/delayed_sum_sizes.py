"""Sizes of E3: cells (N, τ), the shape and steps of the models, and what each variant chooses from."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

from headscope.models.data.tasks.delayed_sums import DelayedSum

Cells = tuple[tuple[int, int], ...]  # N and τ
CELLS = ((4, 5), (4, 6), (5, 4), (5, 5), (8, 4), (11, 3), (16, 3), (16, 4))
CHOICE_CELLS = ((5, 5), (8, 4), (16, 3))  # few symbols, some and many


@dataclass(frozen=True)
class Tuning:
    """What each variant has of its own: the deviation of its first weights, and its rate."""

    deviation: float
    rate: float


@dataclass(frozen=True)
class SequenceSize:
    """Cells, steps, after how many of them accuracy is measured, windows of a step and their symbols, decoders' shape.

    deviations, rates: what each variant chooses from, on choice_cells and with so many other seeds. measured: windows
    at most that an accuracy is measured on.
    """

    cells: Cells
    steps: int
    measure_every: int
    batch: int
    length: int
    d_model: int
    layers: int
    heads: int
    deviations: tuple[float, ...]
    rates: tuple[float, ...]
    choice_cells: Cells
    choice_seeds: int
    measured: int = 256

    @cached_property
    def laws(self) -> dict[str, DelayedSum]:
        """The cells that can be split by cycles, by their names."""
        laws = [DelayedSum(N, tau) for N, tau in self.cells]
        return {cell_name(law): law for law in laws if law.is_splittable()}

    @property
    def tunings(self) -> list[Tuning]:
        """All that a variant chooses from; its rates run fastest."""
        return [Tuning(*pair) for pair in product(self.deviations, self.rates)]

    @property
    def symbols(self) -> int:
        """Those that every model knows, so that all are of one size."""
        return max(N for N, _ in self.cells)


SIZES = {
    "smoke": SequenceSize(
        cells=((4, 4), (5, 4), (5, 5)),
        steps=3,
        measure_every=1,
        batch=4,
        length=12,
        d_model=16,
        layers=2,
        heads=2,
        deviations=(0.02, 0.25),
        rates=(2e-3,),
        choice_cells=((4, 4),),
        choice_seeds=1,
        measured=8,
    ),
    "default": SequenceSize(
        cells=CELLS,
        steps=400,
        measure_every=20,
        batch=32,
        length=16,
        d_model=64,
        layers=2,
        heads=4,
        deviations=(0.02, 0.05, 0.125),  # from that of a Llama to 1/√d_model
        rates=(1e-3, 2e-3, 4e-3, 8e-3),
        choice_cells=CHOICE_CELLS,
        choice_seeds=2,
    ),
    "full": SequenceSize(
        cells=CELLS,
        steps=20_000,
        measure_every=250,
        batch=256,
        length=64,
        d_model=128,
        layers=2,
        heads=4,
        deviations=(0.02, 0.05, 0.09),
        rates=(2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3),
        choice_cells=CHOICE_CELLS,
        choice_seeds=3,
        measured=1024,
    ),
}


def cell_name(law: DelayedSum) -> str:
    """A cell as figures and conditions name it."""
    return f"({law.N}, {law.tau})"
