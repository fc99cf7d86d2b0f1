"""Learning rates over a run: a warm-up, then a shape."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A shape of the learning rate after the warm-up, as a factor of progress in [0, 1]."""

    factor: Callable[[float], float]
    uses_steps: bool


SCHEDULES = {
    "cosine": Schedule(lambda progress: 0.5 * (1 + math.cos(math.pi * progress)), uses_steps=True),
    "linear": Schedule(lambda progress: 1 - progress, uses_steps=True),
    "constant": Schedule(lambda progress: 1.0, uses_steps=False),
}


def learning_rate(schedule: str, step: int, *, peak: float, warmup: int, steps: int) -> float:
    """The rate of update number `step` (from 0): a linear rise over `warmup` updates, then the schedule's shape."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * SCHEDULES[schedule].factor((step - warmup) / max(1, steps - warmup))
