"""What E4 draws of tempering: what each arm took off a trained model's loss, and the losses on the way."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from headscope.interp.arms.arms import ArmNumbers, Arms, arms, sample_curves, sample_numbers
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e4_temperatures.tempering_rates import at_best_rate, by_rate
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

MOMENTS = {"attached": "loss_attached", "after": "loss_after"}
GAINED = About(
    title="Taken off a trained softmax model's loss by a few parameters",
    unit="nats per token",
    law="loss before less loss after, on the same held-out windows; nothing but these parameters learned, at the rate "
    "that is best for the other seeds' models",
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
    """What was gained at the best rate, and at every rate; and the losses on the way at the best."""
    by_part = arms(outcome, "learned")
    samples = {name: at_best_rate(part, "gained").astype(np.float32) for name, part in by_part.items()}
    curves = {name: by_rate(part, "gained").T for name, part in by_part.items()}
    rates = [float(rate) for rate in outcome.conditions("rate")]
    by_rates = replace(GAINED, title=f"{GAINED.title}, by rate")
    return {
        "tempering": sample_numbers(samples, GAINED, 0.0, "nothing"),
        "tempering_by_rate": sample_curves(curves, rates, by_rates, "rate", log_x=True),
        "tempering_losses": loss_changes(by_part),
    }


def loss_changes(by_part: Arms) -> ArmNumbers:
    """The loss less that before at both moments of every part, at its best rate, a number per seed."""
    changes = {
        f"{name}: {moment}": (at_best_rate(part, number) - at_best_rate(part, "loss_before")).astype(np.float32)
        for name, part in by_part.items()
        for moment, number in MOMENTS.items()
    }
    return sample_numbers(changes, CHANGE, 0.0, "as before")
