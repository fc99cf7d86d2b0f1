"""By budget: trials of several, each a training of its own with a schedule that ends there, and their numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.arms import Arms
from headscope.interp.arms.budgets import LeadBySteps, lead_by_steps
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Trial

BUDGET = "budget"  # the part of a trial's condition, in steps
BudgetNumbers = Float[np.ndarray, "seed budget"]


def budget_trials(variants: Iterable[str], budgets: Sequence[int], seeds: int) -> list[Trial]:
    """Every variant at every budget with every seed; within a seed the largest budget, which is judged, comes first."""
    names = list(variants)
    return [
        Trial({"variant": name, BUDGET: budget}, seed)
        for seed in range(seeds)
        for budget in sorted(budgets, reverse=True)
        for name in names
    ]


def budgets_of(outcome: Outcome) -> list[int]:
    """The budgets in steps, from the smallest on."""
    return sorted(int(budget) for budget in outcome.conditions(BUDGET))


def at_largest_budget(outcome: Outcome) -> Outcome:
    """The trials by which a claim is judged."""
    return outcome.where(**{BUDGET: budgets_of(outcome)[-1]})


def number_by_budget(outcome: Outcome, number: str) -> BudgetNumbers:
    """A number of every seed at every budget, from the smallest on; NaN where a trial diverged."""
    return np.stack([outcome.where(**{BUDGET: budget}).sample(number) for budget in budgets_of(outcome)], -1)


def samples_by_budget(by_arm: Arms, number: str) -> dict[str, BudgetNumbers]:
    """The same of every arm."""
    return {arm: number_by_budget(item, number) for arm, item in by_arm.items()}


def lead_by_budgets(
    budgets: Sequence[int], ours: BudgetNumbers, other: BudgetNumbers, bound: float = 0.0
) -> LeadBySteps:
    """How far one arm is above another and a bound at every budget, seed by seed; all budgets count."""
    return replace(lead_by_steps(budgets, ours, other, bound), first_share=0.0)
