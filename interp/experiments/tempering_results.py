"""What E4 draws of tempering: what each arm took off a trained model's loss, and the losses on the way."""

from collections.abc import Mapping

import numpy as np
import torch

from interp.about import About
from interp.experiments.arms import ArmNumbers, Arms, arm_numbers, seed_names
from interp.experiments.outcome import Outcome
from interp.experiments.tempering_trials import ARMS
from interp.result import Result

LOSSES = {"before": "loss_before", "attached": "loss_attached", "after": "loss_after"}
GAINED = About(
    title="Taken off a trained softmax model's loss by a few parameters",
    unit="nats per token",
    law="loss before less loss after, on the same held-out windows; nothing but these parameters learned",
    source="headscope",
    plain="What temperatures, or as many gains of norms, add to a trained model in which nothing else may change.",
)
LOSS = About(
    title="Loss of the models in which a few parameters learned",
    unit="nats per token",
    law="the same held-out windows before, with new temperatures near 1, and after these parameters were trained",
    source="headscope",
    plain="Where each model began and where it came to.",
)


def tempering_results(outcome: Outcome) -> Mapping[str, Result]:
    """What was gained first."""
    found = {named(part): part for part in (outcome.where(**arm) for arm in ARMS)}
    return {"tempering": arm_numbers(found, "gained", GAINED), "tempering_losses": losses(found)}


def named(arm: Outcome) -> str:
    """The arm's model, and what learned there: how many parameters, and what share of all."""
    condition = arm.trials[0].trial.condition
    trained, percent = (np.nanmax(arm.sample(number)) for number in ("trained_parameters", "percent"))
    return f"{condition['model']} model: {trained:,.0f} {condition['learned']}, {percent:.2g} %"


def losses(found: Arms) -> ArmNumbers:
    """The three losses of every arm, a number per seed."""
    value = torch.tensor(np.stack([one.sample(number) for one in found.values() for number in LOSSES.values()]))
    names = tuple(f"{name}: {moment}" for name in found for moment in LOSSES)
    return ArmNumbers(value, about=LOSS, labels={"arm": names, "seed": seed_names(value.shape[1])})
