"""Beginnings: prompts that begin alike are read off one pass over the longest, as no token sees its future."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers.cache_utils import DynamicCache

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Carrier:
    """A prompt that is run, those that are its beginnings, and beginnings of it with another last token.

    The last row of a beginning stands in the carrier's run; another last token is one query beside the keys and values
    of what comes before it.
    """

    ids: Ids
    beginnings: list[Ids] = field(default_factory=list[Ids])
    other_ends: list[Ids] = field(default_factory=list[Ids])

    def takes(self, prompt: Ids) -> bool:
        """Whether a prompt that is no longer can be read off it, which then keeps it."""
        if (len(prompt) == 1 and prompt != self.ids[:1]) or self.ids[: len(prompt) - 1] != prompt[:-1]:
            return False
        (self.beginnings if self.ids[: len(prompt)] == prompt else self.other_ends).append(prompt)
        return True


def carriers(prompts: Sequence[Ids]) -> list[Carrier]:
    """As few as there are, the longest first; every prompt is read off one of them."""
    result: list[Carrier] = []
    for prompt in sorted(prompts, key=len, reverse=True):
        if not any(carrier.takes(prompt) for carrier in result):
            result.append(Carrier(prompt, [prompt]))
    return result


def first_part(cache: DynamicCache, tokens: int) -> DynamicCache:
    """The keys and values of the first tokens, as a cache that can grow without the other's doing so."""
    part = DynamicCache()
    for number, layer in enumerate(cache.layers):
        whole: Any = layer  # every one was made by DynamicCache() and holds keys and values
        part.update(whole.keys[:, :, :tokens], whole.values[:, :, :tokens], number)
    return part
