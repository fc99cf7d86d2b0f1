"""Windows of tokens: the batch of a step is a pure function of the seed and the step."""

import numpy as np
import torch
from jaxtyping import Int64, UInt
from torch import Tensor


def training_batch(
    tokens: UInt[np.ndarray, "token"], *, seed: int, step: int, batch: int, context: int, bos: int
) -> Int64[Tensor, "batch context_and_one"]:
    """`batch` windows of `context` tokens and their last target, from random places.

    In about half of them the first token gives way to BOS, so that a model knows prompts with and without it.
    """
    dice = np.random.default_rng([seed, step])
    starts = dice.integers(0, len(tokens) - context, size=batch)
    windows = tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    windows[dice.random(batch) < 0.5, 0] = bos
    return torch.from_numpy(windows)


def validation_batch(
    tokens: UInt[np.ndarray, "token"], *, windows: int, context: int, bos: int
) -> Int64[Tensor, "window context_and_one"]:
    """At most `windows` windows evenly spread over the held-out tokens, each with BOS first; always the same ones."""
    last = len(tokens) - context - 1
    starts = np.unique(np.linspace(0, last, min(windows, 1 + last // context)).astype(np.int64))
    spread = tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    spread[:, 0] = bos
    return torch.from_numpy(spread)
