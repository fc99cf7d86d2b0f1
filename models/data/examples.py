"""Examples of a task: token ids, what is asked after each of them, and the least loss that anything can have."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

UNASKED = -100  # what cross_entropy leaves out


@dataclass(frozen=True)
class Examples:
    """Rows of ids; targets: the token asked for at each position, UNASKED where nothing is.

    floor: the expected −log p, in nats, of the best predictor there can be, 0 where the answer is certain or unasked.
    """

    ids: Int64[Tensor, "example pos"]
    targets: Int64[Tensor, "example pos"]
    floor: Float32[Tensor, "example pos"]

    @property
    def questions(self) -> Bool[Tensor, "example pos"]:
        """The positions at which something is asked."""
        return self.targets != UNASKED


Task = Callable[[np.random.Generator, int], Examples]  # dice and how many -> examples


def examples_of(
    ids: Int64[np.ndarray, "example pos"],
    targets: Int64[np.ndarray, "example pos"],
    floor: Float[np.ndarray, "example pos"] | None = None,
) -> Examples:
    """Examples from numpy's arrays; no floor is a task whose every answer is certain."""
    least = np.zeros(ids.shape) if floor is None else floor
    request = torch.from_numpy(np.ascontiguousarray(targets))
    return Examples(torch.from_numpy(np.ascontiguousarray(ids)), request, torch.from_numpy(least).float())


def next_token_examples(
    rows: Int64[np.ndarray, "example token"], first: Int64[np.ndarray, "example"], end: Int64[np.ndarray, "example"]
) -> Examples:
    """Each token asked for after those before it, from one place in its row on and before another."""
    place = np.arange(1, rows.shape[1])
    is_asked = (first[:, None] <= place) & (place < end[:, None])
    return examples_of(rows[:, :-1], np.where(is_asked, rows[:, 1:], UNASKED))
