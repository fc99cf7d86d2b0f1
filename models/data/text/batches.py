"""Windows of tokens: the batch of a step is a pure function of the seed and the step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from headscope.models.data.text.document_windows import document_starts, document_windows
from headscope.models.data.text.text import Text

Rows = Int64[Tensor, "window context_and_one"]


def training_batch(text: Text, *, seed: int, step: int, batch: int, context: int) -> Rows:
    """`batch` windows of `context` tokens and their last target, from random places.

    In about half of them the first token gives way to BOS, so that a model knows prompts with and without it.
    """
    dice = np.random.default_rng([seed, step])
    starts = dice.integers(0, len(text.tokens) - context, size=batch)
    windows = text.tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    windows[dice.random(batch) < 0.5, 0] = text.bos
    return torch.from_numpy(windows)


def validation_batch(text: Text, *, windows: int, context: int) -> Rows:
    """At most `windows` windows evenly spread over the held-out tokens, each with BOS first; always the same ones."""
    last = len(text.tokens) - context - 1
    starts = spread(last + 1, min(windows, 1 + last // context))
    result = text.tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    result[:, 0] = text.bos
    return torch.from_numpy(result)


def document_training_batch(text: Text, *, seed: int, step: int, batch: int, context: int) -> Rows:
    """The beginnings of `batch` random documents, one in a window."""
    starts = document_starts(text)
    return document_windows(text, np.random.default_rng([seed, step]).choice(starts, batch), context)


def document_validation_batch(text: Text, *, windows: int, context: int) -> Rows:
    """The beginnings of at most `windows` documents evenly spread over those held out."""
    starts = document_starts(text)
    return document_windows(text, starts[spread(len(starts), windows)], context)


def spread(count: int, most: int) -> Int64[np.ndarray, "place"]:
    """At most `most` different places from 0 to count − 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))


@dataclass(frozen=True)
class WindowSampler:
    """How a model is shown a text, and how it is asked for what was held out."""

    training: Callable[..., Rows]
    held_out: Callable[..., Rows]


WINDOWS = {
    "joined": WindowSampler(training_batch, validation_batch),  # of the joined documents, from anywhere
    "documents": WindowSampler(document_training_batch, document_validation_batch),
}
