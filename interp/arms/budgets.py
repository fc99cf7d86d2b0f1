"""Budgets: whether the side on which a claim falls changes as training goes on, and where.

The budgets of a claim are the steps of a training at which its number was measured, from a fifth of all steps on:
before, the rate is still rising. At the last one the claim is judged as ever. The others are judged together, each at
0.05 on either side divided by how many they are. Where one of them lies wholly on the other side, the answer depends on
the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.evidence import Answer, evidence_behind, interval, notes_beside, reasoned
from headscope.interp.arms.power import CONFIDENCE

BEGUN = 0.2  # of all steps: no recipe of the experiments warms up for longer
Steps = Float[np.ndarray, "step"]
Curves = Float[np.ndarray, "seed *step"]


@dataclass(frozen=True)
class Course:
    """How far beyond the bound of a claim each seed was after some steps; above 0 the claim holds."""

    steps: Steps
    ahead: Float[np.ndarray, "seed step"]

    def begun(self) -> "Course":
        """The budgets alone, each with a number of every seed."""
        is_budget = (self.steps >= BEGUN * self.steps[-1]) & np.isfinite(self.ahead).all(0)
        return Course(self.steps[is_budget], self.ahead[:, is_budget])


def course(steps: Sequence[float | int], ours: Curves, other: Curves, bound: float = 0.0) -> Course:
    """How far one arm is above another and a bound, seed by seed; an arm that diverged as a whole has no curves."""
    both = [item if item.ndim > 1 else item[:, None] for item in (ours, other)]
    ahead = both[0] - both[1] - bound
    return Course(np.array(steps, float), np.broadcast_to(ahead, (len(ahead), len(steps))))


def budget_answer(answer: Answer, course: Course) -> Answer:
    """The answer at the last budget, or 'depends on budget' where an earlier one is on the other side."""
    if answer not in ("reproduced", "opposite"):
        return answer
    budgets, sign = course.begun(), 1 if answer == "reproduced" else -1
    toward = Course(budgets.steps, sign * budgets.ahead)
    if not (other := on_the_other_side(toward)):
        return answer
    first, second = ("fails", "holds") if sign > 0 else ("holds", "fails")
    at, low, high = crossing(toward, other[-1])
    note = f"it {first} until step {at:.0f} ({low:.0f} … {high:.0f}) and {second} after"
    return reasoned("depends on budget", evidence_behind(answer), (*notes_beside(answer), note))


def on_the_other_side(toward: Course) -> list[int]:
    """The places of earlier budgets whose whole interval, for all of them together, lies below 0."""
    earlier = range(len(toward.steps) - 1)
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(earlier))
    return [at for at in earlier if interval(toward.ahead[:, at], confidence).high < 0]


def crossing(toward: Course, start: int) -> tuple[float, float, float]:
    """The step where the mean over the seeds comes to lie above 0 for good, after a place; with its 90 % interval.

    The interval are the steps at which 0 lies within that of the mean: from where its upper end rises above 0 to where
    its lower end does.
    """
    ends = [interval(seeds) for seeds in toward.ahead[:, start:].T]
    curves = toward.ahead[:, start:].mean(0), np.array([end.high for end in ends]), np.array([end.low for end in ends])
    steps = toward.steps[start:]
    rises = [rising_steps(steps, curve) for curve in curves]
    return rises[0][-1], rises[1][0], rises[2][-1]


def rising_steps(steps: Steps, curve: Steps) -> list[float]:
    """Where a curve rises through 0, between the steps along a line; the last step where it never does."""
    rises = np.flatnonzero((curve[:-1] < 0) & (curve[1:] >= 0))
    share = [-curve[at] / (curve[at + 1] - curve[at]) for at in rises]
    result = [float(steps[at] + part * (steps[at + 1] - steps[at])) for at, part in zip(rises, share, strict=True)]
    return result or [float(steps[-1])]
