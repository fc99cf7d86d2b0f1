"""The claims of E14: expressive attention against softmax, by accuracy over the cells and by the cells solved."""

import numpy as np

from headscope.interp.arms.arms import arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.margin import SHARE
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Verdict, measurable_answer, pair_with_spread, superiority_answer
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_claims import ONE_CELL, SOLVES, floor_of
from headscope.interp.experiments.e3_delayed_sums.solving_steps import SOLVED, over_the_cells
from headscope.interp.experiments.e14_expressive_sequences.sequence_trials import ARMS


def judge(outcome: Outcome) -> list[Verdict]:
    """More accurate over the cells, and more of them solved, of fresh sequences and of held-out cycles."""
    parts = arms(outcome, "sequences")
    return [claim(kind, part) for kind, part in parts.items() for claim in (accuracy_verdict, solved_verdict)]


def accuracy_verdict(kind: str, outcome: Outcome) -> Verdict:
    """On the mean accuracy of a seed over the cells, which was measured through training too."""
    both = [outcome.where(variant=variant) for variant in ARMS]
    ours, softmax = (over_the_cells(arm).mean(1) for arm in both)
    curves = [over_the_cells(arm, "accuracy_by_step").mean(1) for arm in both]
    lead = lead_by_steps(outcome.first("steps"), *curves)
    answer = budget_answer(superiority_answer(ours, softmax, SHARE), lead)
    return Verdict(
        f"In its paper's set-up expressive attention is more accurate than softmax over the cells: {kind}",
        "it is",
        pair_with_spread(ours, softmax),
        measurable_answer(answer, [ours, softmax], floor_of(outcome)),
        f"{kind}: expressive more accurate",
    )


def solved_verdict(kind: str, outcome: Outcome) -> Verdict:
    """On how many cells a seed's models solve."""
    cells = [over_the_cells(outcome.where(variant=variant)) for variant in ARMS]
    ours, softmax = (np.where(np.isnan(item), np.nan, item >= SOLVED).sum(1) for item in cells)
    return Verdict(
        f"There it solves more cells (accuracy of {SOLVED} or more): {kind}",
        "it does",
        f"{pair_with_spread(ours, softmax)} of {cells[0].shape[1]}",
        measurable_answer(superiority_answer(ours, softmax, ONE_CELL), [ours, softmax], SOLVES),
        f"{kind}: expressive solves more",
    )
