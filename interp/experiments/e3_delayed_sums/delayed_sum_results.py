"""What is drawn of E3: accuracy by cell and by step, the cells solved by each step, and how each variant was tuned."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from headscope.interp.arms.arms import ArmGrid, Arms, arm_grid, arms, sample_curves
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e3_delayed_sums.solving_steps import (
    SOLVED,
    over_the_cells,
    solved_share,
    solving_steps,
)
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "Gros 2024 (2407.18601), NT prediction tasks"
ACCURACY = About(
    title="Accuracy on held-out cycles",
    unit="share of the symbols asked for",
    law="share of x_t, τ ≤ t < period, whose likeliest symbol is (x_{t−1} + x_{t−τ}) mod N, in windows that begin "
    "with distinct states of cycles that training never met; period: the length of the cycle",
    source=SOURCE,
    plain="How often each model goes on rightly with a sequence of which it has not seen a single state.",
)
BY_STEP = replace(ACCURACY, title="Accuracy over the cells through training")
SOLVED_BY_STEP = About(
    title="Cells solved through training",
    unit="share of the cells",
    law=f"share of a seed's cells whose accuracy was {SOLVED} or more at this measured step or an earlier one",
    source="headscope",
    plain="How many of the laws each variant masters, and how soon.",
)
TUNING = About(
    title="What each variant chose from",
    unit="mean accuracy over all measured steps",
    law="mean over cells and other seeds of the accuracy through training, on the other half of the held-out cycles",
    source="headscope",
    plain="How well each variant learns from these first weights at this rate; it has those with the best number.",
)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Accuracy by variant and cell, curves over the steps, and the scores that chose."""
    by_arm, steps = arms(outcome, "variant"), outcome.first("steps")
    accuracy = {name: over_the_cells(arm, "accuracy_by_step").mean(1) for name, arm in by_arm.items()}
    solved = {name: solved_share(solving_steps(arm, steps), steps) for name, arm in by_arm.items()}
    return {
        "accuracy": arm_grid({"all seeds": outcome}, "accuracy", "variant", "cell", ACCURACY),
        "accuracy_by_step": sample_curves(accuracy, steps, BY_STEP, "step"),
        "solved_by_step": sample_curves(solved, steps, SOLVED_BY_STEP, "step"),
        "tuning": tuning_grid(by_arm, outcome),
    }


def tuning_grid(by_arm: Arms, outcome: Outcome) -> ArmGrid:
    """The scores of every variant by deviation and rate, those of all its trials; NaN where a run diverged."""
    rows, columns = (tuple(map(str, outcome.numbers_of_size[name])) for name in ("deviations", "rates"))
    hole = np.full((len(rows), len(columns)), np.nan)
    scores = [np.array(arm.first("scores"), float) if arm.finished else hole for arm in by_arm.values()]
    mean = torch.tensor(np.stack(scores))
    labels = {"arm": tuple(by_arm), "row": rows, "column": columns}
    return ArmGrid(mean, torch.zeros_like(mean), "first deviation", "rate", about=TUNING, labels=labels)
