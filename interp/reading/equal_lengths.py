"""Equal lengths: prompts that can share a forward pass without padding."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Prompt = TypeVar("Prompt")


def batches(prompts: Sequence[Prompt], size: int, length: Callable[[Prompt], int]) -> Iterator[list[Prompt]]:
    """Prompts of one length together, at most `size` of them. Raises ValueError for a size below 1."""
    if size < 1:
        raise ValueError(f"batches of {size} prompts were asked for; ask for one at least")
    by_length: dict[int, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_length[length(prompt)].append(prompt)
    for alike in by_length.values():
        for start in range(0, len(alike), size):
            yield alike[start : start + size]
