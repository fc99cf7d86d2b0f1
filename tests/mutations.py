"""Mutations: files that are nearly right, the same every time: cut, or with bytes or values exchanged."""

import copy
import random
from collections.abc import Iterator
from typing import Any

STRANGE = (None, True, -1, 10**400, 1e308, float("nan"), "", "x", "\ud800", [], {}, [[]], [None], {"x": 1}, "/etc", 0.5)


def cut_and_flipped(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The bytes cut short, or with a few of them exchanged."""
    dice = random.Random(seed)
    for at in range(count):
        if at % 3 == 0:
            yield content[: dice.randrange(len(content))]
        else:
            changed = bytearray(content)
            for _ in range(dice.choice((1, 8, 64))):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            yield bytes(changed)


def with_strange_values(plain: Any, count: int, seed: int = 0) -> Iterator[Any]:
    """Plain values with one of them, anywhere, exchanged for a strange one or taken out."""
    dice = random.Random(seed)
    for _ in range(count):
        changed = copy.deepcopy(plain)
        holder, key = dice.choice(list(places(changed)))
        if isinstance(holder, dict) and dice.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(dice.choice(STRANGE))
        yield changed


def places(plain: Any, deep: int = 6) -> Iterator[tuple[Any, Any]]:
    """Every dict or list inside, with each of its keys or some of its indices."""
    inner = list(plain.items()) if isinstance(plain, dict) else list(enumerate(plain))[:3]
    for key, value in inner:
        yield plain, key
        if deep and isinstance(value, dict | list):
            yield from places(value, deep - 1)
