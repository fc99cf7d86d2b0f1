"""Passkeys: one key among filler; whenever the question comes after it, the key is the answer."""

from dataclasses import dataclass

import numpy as np

from headscope.models.data.examples import UNASKED, Examples, examples_of


@dataclass(frozen=True)
class Passkeys:
    """Tokens: the question, then `keys` keys, then `fillers` fillers. The key stands in the first half of a row.

    asking: share of the filler after the key that is the question instead; the last token always is. measured: rows
    held out that a model is measured on.
    """

    keys: int = 32
    fillers: int = 64
    length: int = 128
    asking: float = 0.1
    measured: int = 256

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return 1 + self.keys + self.fillers

    def __call__(self, dice: np.random.Generator, count: int) -> Examples:
        """Rows, each with one key."""
        shape, place = (count, self.length), np.arange(self.length)
        ids = 1 + self.keys + dice.integers(self.fillers, size=shape)
        key, at = 1 + dice.integers(self.keys, size=(count, 1)), dice.integers(self.length // 2, size=(count, 1))
        request = (place > at) & ((dice.random(shape) < self.asking) | (place == self.length - 1))
        ids = np.where(request, 0, np.where(place == at, key, ids))
        return examples_of(ids, np.where(request, key, UNASKED))
