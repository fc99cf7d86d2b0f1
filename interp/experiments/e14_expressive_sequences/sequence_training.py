"""Sequence training: SGD as in the paper, on windows from all states or from all but those of cycles held out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from headscope.models.data.examples import Examples, Task
from headscope.models.data.tasks.answering import held_out_examples
from headscope.models.data.tasks.delayed_sum_windows import DelayedSums, windows_in
from headscope.models.data.tasks.delayed_sums import DelayedSum, windows_of

RATE, MOMENTUM = 0.01, 0.7
KINDS = FRESH, HELD_OUT = ("fresh sequences", "held-out cycles")


@dataclass(frozen=True)
class Sequences:
    """What a model trains on, and what it is measured on."""

    training: Task
    measured: Examples


def sequences_of(kind: str, law: DelayedSum, length: int, measured: int) -> Sequences:
    """Windows of a law, of so many symbols.

    fresh sequences: from any state in training, and measured on as many drawn anew as are measured. held-out cycles:
    from states of some cycles in training, and measured on distinct states of the others, that many at most.
    """
    if kind == FRESH:
        task = windows_of(law, np.arange(law.N**law.tau), length)
        return Sequences(task, held_out_examples(task, measured))
    windows = windows_in(DelayedSums(((law.N, law.tau),), length, measured))
    return Sequences(windows.training, windows.held_out)


def train_by_sgd(
    model: nn.Module, loss_at: Callable[[int], Tensor], steps: int, after: Callable[[int], None] = lambda step: None
) -> None:
    """So many steps down the loss, a scalar of the step, at one rate; after: called with the steps done, 0 first.

    FloatingPointError where the loss is not finite.
    """
    optimizer = torch.optim.SGD(model.parameters(), RATE, MOMENTUM, fused=True)
    after(0)
    for step in range(steps):
        loss = loss_at(step)
        if not loss.isfinite():
            raise FloatingPointError(f"the loss of step {step} is {loss.item()}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after(step + 1)


@torch.no_grad()
def accuracy_on(model: nn.Module, examples: Examples) -> float:
    """The share of what is asked that is answered by its likeliest symbol."""
    right = model(examples.ids).argmax(-1) == examples.targets
    return right[examples.questions].double().mean().item()
