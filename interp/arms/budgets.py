"""Budgets: whether the side on which a claim falls changes as training goes on, and where.

The budgets of a claim are the steps of a training at which its number was measured, from a fifth of all steps on:
before, the rate is still rising. At the last one the claim is judged as ever. The others are judged together, each at
0.05 on either side divided by how many they are. Where one of them lies wholly on the other side, the answer depends on
the budget. Where every budget is a training of its own (by_budget.py), all of them count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.evidence import Answer, answer_with_evidence, evidence_behind, interval, notes_beside
from headscope.interp.arms.power import CONFIDENCE

FIRST_SHARE = 0.2  # of all steps: no recipe of the experiments warms up for longer
Steps = Float[np.ndarray, "step"]
Curves = Float[np.ndarray, "seed ..."]  # by step; of an arm that diverged as a whole there are none


@dataclass(frozen=True)
class LeadBySteps:
    """How far beyond the bound of a claim each seed was after some steps; above 0 the claim holds.

    first_share: of the last step, from where on steps are budgets.
    """

    steps: Steps
    ahead: Float[np.ndarray, "seed step"]
    first_share: float = FIRST_SHARE

    def budgets(self) -> "LeadBySteps":
        """The budgets alone, each with a number of every seed."""
        is_budget = (self.steps >= self.first_share * self.steps[-1]) & np.isfinite(self.ahead).all(0)
        return LeadBySteps(self.steps[is_budget], self.ahead[:, is_budget])


def lead_by_steps(steps: Sequence[float | int], ours: Curves, other: Curves, bound: float = 0.0) -> LeadBySteps:
    """How far one arm is above another and a bound, seed by seed; NaN where either has no curves."""
    both = [item if item.ndim > 1 else item[:, None] for item in (ours, other)]
    ahead = both[0] - both[1] - bound
    return LeadBySteps(np.array(steps, float), np.broadcast_to(ahead, (len(ahead), len(steps))))


def budget_answer(answer: Answer, lead: LeadBySteps) -> Answer:
    """The answer at the last budget, or 'depends on budget' where an earlier one is on the other side."""
    if answer not in ("reproduced", "opposite"):
        return answer
    budgets, sign = lead.budgets(), 1 if answer == "reproduced" else -1
    toward = LeadBySteps(budgets.steps, sign * budgets.ahead)
    if not (other := opposite_budgets(toward)):
        return answer
    first, second = ("fails", "holds") if sign > 0 else ("holds", "fails")
    at, low, high = crossing_steps(toward, other[-1])
    note = f"it {first} until step {at:.0f} ({low:.0f} … {high:.0f}) and {second} after"
    return answer_with_evidence("depends on budget", evidence_behind(answer), (*notes_beside(answer), note))


def opposite_budgets(toward: LeadBySteps) -> list[int]:
    """The places of earlier budgets whose whole interval, for all of them together, lies below 0."""
    earlier = range(len(toward.steps) - 1)
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(earlier))
    return [at for at in earlier if interval(toward.ahead[:, at], confidence).high < 0]


def crossing_steps(toward: LeadBySteps, start: int) -> tuple[float, float, float]:
    """The step where the mean over the seeds comes to lie above 0 for good, after a place; with its 90 % interval.

    Its interval: the steps at which 0 lies within that of the mean, from where its upper end rises above 0 to where its
    lower end does.
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
