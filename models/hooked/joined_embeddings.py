"""Joined embeddings: transformer-lens makes them twice, for nothing, while it looks for hooks in every property."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class WithoutJoinedEmbeddings(TorchFunctionMode):
    """While a bridge is built: its W_E_pos, as large as the vocabulary, is a property that fails, which it expects."""

    def __init__(self, embedding: Tensor) -> None:
        super().__init__()
        self.place, self.shape = embedding.data_ptr(), embedding.shape

    def __torch_function__(
        self, func: Callable[..., object], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> object:
        first = args[0][0] if func is torch.cat else None
        # A tied head that joins its matrix to others (MobileBERT's) begins with the transposed.
        if isinstance(first, Tensor) and first.data_ptr() == self.place and first.shape == self.shape:
            raise RuntimeError("embeddings are joined when the bridge is asked for them")
        return func(*args, **(kwargs or {}))
