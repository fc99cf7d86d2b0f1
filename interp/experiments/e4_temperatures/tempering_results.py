"""What E4 draws of tempering: what each arm took off a trained model's loss, and the losses on the way."""

from collections.abc import Mapping

import numpy as np
import torch

from headscope.interp.arms.arms import ArmNumbers, Arms, arm_numbers, seed_names
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e4_temperatures.tempering_trials import ARMS
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

MOMENTS = {"attached": "loss_attached", "after": "loss_after"}
GAINED = About(
    title="Taken off a trained softmax model's loss by a few parameters",
    unit="nats per token",
    law="loss before less loss after, on the same held-out windows; nothing but these parameters learned",
    source="headscope",
    plain="What temperatures, or as many gains of norms, add to a trained model in which nothing else may change.",
)
CHANGE = About(
    title="How the loss changed where a few parameters learned",
    unit="nats per token",
    law="loss on the same held-out windows less that before: with new temperatures near 1, and after all were trained",
    source="headscope",
    plain="What attaching the parameters costs, and what came of training them; below 0 is better than before.",
)


def tempering_results(outcome: Outcome) -> Mapping[str, Result]:
    """What was gained first."""
    result = {tempering_arm_in_words(part): part for part in (outcome.where(**arm) for arm in ARMS)}
    return {"tempering": arm_numbers(result, "gained", GAINED, 0.0, "nothing"), "tempering_losses": changes(result)}


def tempering_arm_in_words(arm: Outcome) -> str:
    """What learned, and in which model."""
    condition = arm.trials[0].trial.condition
    return f"{condition['learned']}, {condition['model']} model"


def changes(by_arm: Arms) -> ArmNumbers:
    """The loss less that before at both moments of every arm, a number per seed."""
    apart = [
        item.sample(number) - item.sample("loss_before") for item in by_arm.values() for number in MOMENTS.values()
    ]
    value = torch.tensor(np.stack(apart))
    names = tuple(f"{name}: {moment}" for name in by_arm for moment in MOMENTS)
    return ArmNumbers(value, 0.0, "as before", about=CHANGE, labels={"arm": names, "seed": seed_names(value.shape[1])})
