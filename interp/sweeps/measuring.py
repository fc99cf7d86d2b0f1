"""Measuring: a worker holds one model at a time and measures unit after unit of it."""

import gc
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from headscope.interp.sweeps.numbers_table import numbers_table
from headscope.interp.sweeps.unit import Checkpoint, Unit

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Outcome:
    """numbers: of a unit that was measured; else None, and reason says why. seconds: of the analysis alone."""

    numbers: "pa.Table | None"
    reason: str = ""
    seconds: float = 0.0


Outcomes = Generator[tuple[Unit, Outcome], None, None]


class Worker:
    """Measures units; the model of the last one stays open."""

    def __init__(self) -> None:
        self.checkpoint: Checkpoint | None = None
        self.model: Any = None

    def outcome(self, unit: Unit) -> Outcome:
        """The numbers of a unit, or the reason why there are none: what an analysis or a model's files raise."""
        try:
            return self.measured(unit)
        except Exception as fault:
            return Outcome(None, f"{type(fault).__name__}: {fault}")

    def measured(self, unit: Unit) -> Outcome:
        """The numbers of a unit."""
        from headscope.interp.asking.analyse import analyse

        with one_thread():
            self.hold(unit.checkpoint)
            start = time.perf_counter()
            findings = analyse(
                self.model,
                unit.prompts.texts,
                [unit.analysis],
                choices=unit.choices,
                prepend_bos=unit.prompts.bos,
                watch=lambda *stage: None,
            )
            return Outcome(numbers_table(findings, unit.analysis), seconds=time.perf_counter() - start)

    def hold(self, checkpoint: Checkpoint) -> None:
        """Open a model in the place of the one before it."""
        from headscope.models.hooked.loading import load
        from headscope.models.io.device import best_device

        if checkpoint != self.checkpoint:
            self.checkpoint = self.model = None
            gc.collect()  # a hooked model refers to itself, and would stay
            self.model = load(checkpoint.place, best_device())
            self.checkpoint = checkpoint


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch with one thread, so that a sum is the same in every worker and without any."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
