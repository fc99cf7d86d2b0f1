"""Training by Adam alone, of what is too small for a recipe, at a rate that was chosen on other seeds."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

OTHER_SEEDS = 10_000  # the first seed that no trial has


def train_by_adam(model: nn.Module, loss_at: Callable[[int], Tensor], steps: int, rate: float) -> None:
    """So many steps down the loss, a scalar of the step, at a rate that falls to 0 along a line.

    FloatingPointError where the loss is not finite.
    """
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        loss = loss_at(step)
        if not loss.isfinite():
            raise FloatingPointError(f"the loss of step {step} is {loss.item()}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def chosen_rate(loss_of: Callable[[float, int], float], rates: Sequence[float], seeds: int) -> float:
    """The rate of the least final loss, mean over seeds that no trial has; loss_of: of a rate and a seed.

    A rate at which a run diverges is not chosen. FloatingPointError where all do.
    """
    return best_rate({rate: mean_loss(loss_of, rate, seeds) for rate in rates})


def best_rate(losses: Mapping[float, float]) -> float:
    """The rate of the least loss, which is infinite where a run diverged. FloatingPointError where all did."""
    best = min(losses, key=losses.__getitem__)
    if losses[best] == np.inf:
        raise FloatingPointError(f"at every rate of {', '.join(map(str, losses))} a run diverged")
    return best


def mean_loss(loss_of: Callable[[float, int], float], rate: float, seeds: int) -> float:
    """The mean over the other seeds; infinite where a run diverged."""
    try:
        return float(np.mean([loss_of(rate, OTHER_SEEDS + seed) for seed in range(seeds)]))
    except FloatingPointError:
        return np.inf
