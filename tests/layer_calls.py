"""How many tokens go through the layers of a hooked model: what a forward pass costs but for its head."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor


@contextmanager
def counted_tokens(model: Any) -> Iterator[list[int]]:
    """Inside, the tokens of every call of a layer, one number each; a layer that is passed by is not called."""
    counts: list[int] = []

    def count(block: object, stream: tuple[Tensor, ...], output: object) -> None:
        counts.append(stream[0].shape[0] * stream[0].shape[1])

    handles = [block.hook_in.register_forward_hook(count) for block in model.blocks]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()
