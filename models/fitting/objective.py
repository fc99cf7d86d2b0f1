"""An objective: what a model is shown, what it is scored by, and what is measured of it on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.fitting.history import Record

if TYPE_CHECKING:
    from accelerate import Accelerator

Batch = Mapping[str, Tensor]
Measure = Callable[["Accelerator", nn.Module], Record]
Unit = Literal["tokens", "images", "examples"]
UNITS: tuple[Unit, ...] = get_args(Unit)


def measure_nothing(accelerator: "Accelerator", model: nn.Module) -> Record:
    """Measures nothing."""
    return {}


@dataclass(frozen=True)
class Objective:
    """batch(step): the whole batch of a step, over all processes, by name; every tensor's first axis is the example.

    A pure function of the step, so that a run that was cut off goes on as if it had not been. loss: the mean over a
    batch. measure: numbers on data of its own, equal on all processes; the model comes in eval mode. unit and
    per_step: what is counted, and how much of it a step sees.
    """

    batch: Callable[[int], Batch]
    loss: Callable[[nn.Module, Batch], Float[Tensor, ""]]
    measure: Measure = measure_nothing
    unit: Unit = "examples"
    per_step: int = 1

    def measuring(self, more: Measure) -> "Objective":
        """The same objective, of which more is measured."""
        return replace(
            self, measure=lambda accelerator, model: self.measure(accelerator, model) | more(accelerator, model)
        )


def part_of(batch: Batch, processes: int, index: int) -> dict[str, Tensor]:
    """One process's share of a batch. Raises ValueError for a batch that does not divide."""
    return {name: tensor.split(share(len(tensor), processes))[index] for name, tensor in batch.items()}


def share(batch: int, processes: int) -> int:
    """How many of a batch's examples each process works on."""
    if batch % processes:
        raise ValueError(f"a batch of {batch} windows does not divide over {processes} processes")
    return batch // processes
