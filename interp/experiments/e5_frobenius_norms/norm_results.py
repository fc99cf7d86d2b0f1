"""What E5 draws: accuracies at the end, by rate and on the way, and the maps of heads, at every number of tokens."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.arms import Arms, arm_curves, arm_grid, arm_numbers, arms, sample_curves
from headscope.interp.arms.outcome import Outcome
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.images.digits import CLASSES

SOURCE = "Saratchandran et al. 2024 (2410.18613), theorems 4.1 to 4.3, table 1 and figure 2"
ACCURACY = About(
    title="Accuracy on held-out digits",
    unit="share",
    law="share of the second half of the held-out images whose likeliest class is the right one, at the rate that is "
    "best for each arm on the first half",
    source=SOURCE,
    plain="How many digits that were not trained on are told right.",
)
BY_RATE = About(
    title="Accuracy by the rate of training",
    unit="share",
    law="share of the first half of the held-out images whose likeliest class is the right one, mean and standard "
    "deviation over seeds that no trial has",
    source=SOURCE,
    plain="How well each attention trains at each rate; an arm's rate is that of its highest point.",
)
MAP_NORM = About(
    title="‖A‖_F‖W_OV‖_F, mean of all layers",
    unit="‖A‖_F‖W_OV‖_F",
    law="norm of X → A X W_OV, mean over images, heads and layers; A times c with W_V over c leaves it as it is",
    source="headscope; ‖A‖_F alone: Saratchandran et al. 2024 (2410.18613)",
    plain="How large the map of a head is as a whole. The norm of A by itself says little, since W_V can take over "
    "any factor of it.",
)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """All accuracies, and four figures for every number of tokens."""
    drawn: dict[str, Result] = {"accuracy": arm_grid({"accuracy": outcome}, "accuracy", "N", "attention", ACCURACY)}
    for tokens, part in outcome.split("N"):
        drawn |= {f"{name}_{tokens}": item for name, item in results_at(int(tokens), part).items()}
    return drawn


def results_at(tokens: int, outcome: Outcome) -> Mapping[str, Result]:
    """What is drawn of one number of tokens."""
    by_arm, steps = arms(outcome, "attention"), outcome.first("steps")
    at_end, by_rate, norms = (
        replace(about, title=f"{about.title}; N = {tokens:,}") for about in (ACCURACY, BY_RATE, MAP_NORM)
    )
    on_the_way = replace(ACCURACY, title=f"{ACCURACY.title} through training; N = {tokens:,}")
    rates = outcome.first("rates")
    return {
        "accuracy": arm_numbers(by_arm, "accuracy", at_end, 1 / CLASSES),
        "accuracy_by_rate": sample_curves(sweep_samples(by_arm), rates, by_rate, "rate", log_x=True),
        "accuracy_by_step": arm_curves(by_arm, "accuracies", steps, on_the_way, "step"),
        "map_norm_by_step": arm_curves(by_arm, "map_norm", steps, norms, "step", log_y=True),
    }


def sweep_samples(by_arm: Arms) -> dict[str, Float[np.ndarray, "seed rate"]]:
    """The sweep of every arm, which its trials share; arms whose every trial diverged are left out."""
    return {arm: np.array(item.first("sweep_accuracy"), dtype=float) for arm, item in by_arm.items() if item.finished}
