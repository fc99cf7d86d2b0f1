"""The claims of E3: every variant against softmax, by accuracy over the cells and by the steps to solve them."""

import numpy as np

from headscope.interp.arms.arms import arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.margin import SHARE, Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e3_delayed_sums.solving_steps import (
    SOLVED,
    Times,
    over_the_cells,
    solved_cells,
    solving_steps,
    sooner_or_later,
)
from headscope.interp.experiments.e3_delayed_sums.task_models import ARMS

BASE = ARMS[0]
ONE_CELL = Margin(1.0, "one cell; a count knows nothing smaller")
SOLVES = Floor(1.0, "cells solved", "one cell")
OTHERS = "not a claim of its paper: asked of every variant alike"
ON_ACCURACY = {"expressive": "it is"}
ON_SOLVING = {"expressive": "it solves what softmax does not"}


def judge(outcome: Outcome) -> list[Verdict]:
    """Two claims a variant; those about accuracy come first."""
    by_arm = arms(outcome, "variant")
    steps, softmax = outcome.first("steps"), by_arm[BASE]
    others = {name: part for name, part in by_arm.items() if name != BASE}
    return [
        *(accuracy_verdict(name, part, softmax, steps) for name, part in others.items()),
        *(sooner_verdict(name, part, softmax, steps) for name, part in others.items()),
    ]


def accuracy_verdict(variant: str, own: Outcome, base: Outcome, steps: list[int]) -> Verdict:
    """On the mean accuracy of a seed over the cells, which was measured through training too."""
    ours, softmax = (over_the_cells(arm).mean(1) for arm in (own, base))
    curves = [over_the_cells(arm, "accuracy_by_step").mean(1) for arm in (own, base)]
    answer = budget_answer(superiority_answer(ours, softmax, SHARE), lead_by_steps(steps, *curves))
    return Verdict(
        f"{variant} is more accurate than softmax over the cells (N, τ)",
        ON_ACCURACY.get(variant, OTHERS),
        pair_with_spread(ours, softmax),
        measurable_answer(answer, [ours, softmax], floor_of(base)),
        f"{variant} more accurate",
    )


def floor_of(outcome: Outcome) -> Floor:
    """Chance over the cells and the margin; where all of an arm diverged no floor is asked."""
    chance = outcome.sample("chance")
    least = float(np.nanmean(chance)) if np.isfinite(chance).any() else 0.0
    return Floor(least + SHARE.size, "accuracy", "chance and the margin")


def sooner_verdict(variant: str, own: Outcome, base: Outcome, steps: list[int]) -> Verdict:
    """On the cells that a seed solves sooner, less those that it solves later."""
    ours, softmax = (solving_steps(arm, steps) for arm in (own, base))
    order = sooner_or_later(ours, softmax)
    answer = bound_answer(order.sum(1), above=0.0, margin=ONE_CELL)
    return Verdict(
        f"{variant} solves cells (accuracy of {SOLVED} or more) after fewer steps than softmax",
        ON_SOLVING.get(variant, OTHERS),
        f"{mean_with_spread(order.sum(1))} cells more sooner than later; {order_in_words(ours, softmax)}",
        measurable_answer(answer, [solved_cells(ours), solved_cells(softmax)], SOLVES),
        f"{variant} solves sooner",
    )


def order_in_words(ours: Times, softmax: Times) -> str:
    """Over all seeds and cells, how many are solved sooner, later, at one step and by neither."""
    order = sooner_or_later(ours, softmax)
    neither = int((np.isinf(ours) & np.isinf(softmax)).sum())
    sooner, later, tied = (int((order == sign).sum()) for sign in (1, -1, 0))
    return f"of {order.size}: {sooner} sooner, {later} later, {tied - neither} at one step, {neither} by neither"
