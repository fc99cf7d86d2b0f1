"""Tempering rates: of every seed the number at the rate that takes most off the loss of the other seeds' models."""

import numpy as np
from jaxtyping import Float, Int

from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.outcome import Outcome


def at_best_rate(outcome: Outcome, number: str) -> Sample:
    """A number of every seed at the rate that the other seeds choose: no seed's own loss chooses its rate."""
    values = by_rate(outcome, number)
    return values[best_rates(by_rate(outcome, "gained")), np.arange(values.shape[1])]


def by_rate(outcome: Outcome, number: str) -> Float[np.ndarray, "rate seed"]:
    """A number of every trial."""
    return np.array([part.sample(number) for _, part in outcome.split("rate")])


def best_rates(gained: Float[np.ndarray, "rate seed"]) -> Int[np.ndarray, "seed"]:
    """Of every seed the rate with the largest sum over all other seeds; a rate that diverged in one of them is none.

    Of a lone seed that of its own.
    """
    known = np.nan_to_num(gained, nan=-np.inf)
    seeds = range(known.shape[1])
    others = [np.delete(known, seed, axis=1) if len(seeds) > 1 else known for seed in seeds]
    return np.array([item.sum(1).argmax() for item in others])
