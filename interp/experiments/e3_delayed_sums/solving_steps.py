"""Solving steps: after how many steps of a training a cell is solved, censored where it is not by the last of them.

Of a training that ends before its cell is solved all that is known is that it takes longer than the last step. As all
trainings of a size end at one step, the order of two times is known unless both are censored: that is a tie, and so
are two cells solved at one measured step. So seed by seed the cells are counted that one arm solves sooner, less those
that it solves later, as a sign test does; no time is made up.
"""

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.arms import whole_curves
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.outcome import Outcome

SOLVED = 0.95  # accuracy
Times = Float[np.ndarray, "seed cell"]  # in steps


def over_the_cells(outcome: Outcome, number: str = "accuracy") -> Float[np.ndarray, "seed cell *step"]:
    """A number of an arm by seed and cell."""
    values, seeds = outcome.sample(number), np.array([item.trial.seed for item in outcome.trials])
    return np.array([values[seeds == seed] for seed in np.unique(seeds)])


def solving_steps(outcome: Outcome, steps: list[int]) -> Times:
    """The first step at which the cell was measured as solved; infinite where censored, NaN where the run diverged."""
    curves = whole_curves(outcome.sample("accuracy_by_step"), len(steps))
    times = np.where(curves >= SOLVED, np.array(steps, float), np.inf).min(1)
    seeds = np.array([item.trial.seed for item in outcome.trials])
    times[np.isnan(curves).any(1)] = np.nan
    return np.array([times[seeds == seed] for seed in np.unique(seeds)])


def sooner_or_later(ours: Times, other: Times) -> Times:
    """1 where ours is solved sooner, −1 where later, 0 where they tie or both are censored; NaN where one diverged."""
    order = (ours < other).astype(float) - (ours > other)
    return np.where(np.isnan(ours) | np.isnan(other), np.nan, order)


def solved_cells(times: Times) -> Sample:
    """How many cells each seed solves by the last step; NaN where a run diverged."""
    return np.where(np.isnan(times), np.nan, np.isfinite(times)).sum(1)


def solved_share(times: Times, steps: list[int]) -> Float[np.ndarray, "seed step"]:
    """The share of a seed's cells that are solved by each step; NaN where a run diverged."""
    share = (times[:, :, None] <= np.array(steps)).mean(1)
    return np.where(np.isnan(times).any(1, keepdims=True), np.nan, share)
