"""Points of the arms of an experiment: two numbers of every head or prompt, all seeds together."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.arms.arms import Arms
from headscope.interp.results.about import About
from headscope.interp.results.result import Result


@dataclass(frozen=True, repr=False)
class ArmPoints(Result):
    """y against x of the points of every arm; NaN where an arm has fewer of them."""

    drawn_by = "arms.points:arm_points_figure"

    x: Float[Tensor, "arm point"]
    y: Float[Tensor, "arm point"]
    x_title: str
    y_title: str


def arm_points(by_arm: Arms, x: str, y: str, about: About, x_title: str, y_title: str) -> ArmPoints:
    """Two lists of numbers of every trial, by arm."""
    labels = {"arm": tuple(by_arm)}
    return ArmPoints(points_of(by_arm, x), points_of(by_arm, y), x_title, y_title, about=about, labels=labels)


def points_of(by_arm: Arms, number: str) -> Float[Tensor, "arm point"]:
    """One list of numbers of all trials, by arm."""
    rows = [torch.from_numpy(item.sample(number)).flatten().float() for item in by_arm.values()]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=float("nan"))
