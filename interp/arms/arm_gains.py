"""Gains and costs of the arms of an experiment beside one of them: what each buys, and for how much."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.arms.arms import Arms, padded_rows, seed_names
from headscope.interp.results.about import About
from headscope.interp.results.result import Result


@dataclass(frozen=True, repr=False)
class ArmGains(Result):
    """By how much every arm is below the base arm in a number of which less is better, seed by seed, and its cost.

    cost: over the base's, 1 where they are alike. NaN where a trial diverged or a seed is missing.
    """

    drawn_by = "arms.gains:arm_gains_figure"

    gain: Float[Tensor, "arm seed"]
    cost: Float[Tensor, "arm seed"]
    base: str
    cost_title: str


def arm_gains(by_arm: Arms, base: str, number: str, cost: str, about: About, cost_title: str) -> ArmGains:
    """The base's number less each arm's, and each arm's cost. ValueError for a base that is no arm."""
    if base not in by_arm:
        raise ValueError(f"no arm is called {base!r}; there are {', '.join(by_arm)}")
    gains = padded_rows([by_arm[base].sample(number) - item.sample(number) for item in by_arm.values()])
    costs = padded_rows([item.sample(cost) for item in by_arm.values()])
    labels = {"arm": tuple(by_arm), "seed": seed_names(gains.shape[1])}
    return ArmGains(gains, costs, base, cost_title, about=about, labels=labels)
