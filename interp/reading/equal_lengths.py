"""Equal lengths: prompts that can share a forward pass without padding."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Prompt = TypeVar("Prompt")


def batches(
    prompts: Sequence[Prompt], size: int, length: Callable[[Prompt], int], most: Callable[[int], int] | None = None
) -> Iterator[list[Prompt]]:
    """Prompts of one length together, at most `size` of them, and of those of a length at most `most(length)`.

    Raises ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError(f"batches of {size} prompts were asked for; ask for one at least")
    by_length: dict[int, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_length[length(prompt)].append(prompt)
    for tokens, alike in by_length.items():
        together = size if most is None else max(1, min(size, most(tokens)))
        for start in range(0, len(alike), together):
            yield alike[start : start + together]
