"""Points of the arms of an experiment: two numbers of every head or prompt, all seeds together."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.about import About
from interp.experiments.arms import Arms
from interp.result import Result


@dataclass(frozen=True, repr=False)
class ArmPoints(Result):
    """y against x of the points of every arm; NaN where an arm has fewer of them."""

    x: Float[Tensor, "arm point"]
    y: Float[Tensor, "arm point"]
    x_title: str
    y_title: str


def arm_points(found: Arms, x: str, y: str, about: About, x_title: str, y_title: str) -> ArmPoints:
    """Two lists of numbers of every trial, by arm."""
    both = ([torch.from_numpy(one.sample(name)).flatten().float() for one in found.values()] for name in (x, y))
    padded = (torch.nn.utils.rnn.pad_sequence(one, batch_first=True, padding_value=float("nan")) for one in both)
    return ArmPoints(*padded, x_title, y_title, about=about, labels={"arm": tuple(found)})
