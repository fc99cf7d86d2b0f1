"""Windows of one document each: nothing in a window was written of other people than its own."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from headscope.models.data.examples import UNASKED
from headscope.models.data.text.text import Text


def document_starts(text: Text) -> Int64[np.ndarray, "document"]:
    """Where the token before each document stands."""
    return np.flatnonzero(text.tokens[:-1] == text.end)


def document_windows(
    text: Text, starts: Int64[np.ndarray, "window"], context: int
) -> Int64[Tensor, "window context_and_one"]:
    """BOS, a document or its beginning, the token that ends it, and UNASKED to the end of the window."""
    places = np.minimum(starts[:, None] + np.arange(context + 1), len(text.tokens) - 1)
    windows = text.tokens[places].astype(np.int64)
    ends_before = (windows == text.end).cumsum(1) - (windows == text.end)
    windows[ends_before >= 2] = UNASKED  # the first of the two opens the document
    windows[:, 0] = text.bos
    return torch.from_numpy(windows)
