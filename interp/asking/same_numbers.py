"""Same numbers: those of a table of heads that are the same for every head, said in one line."""

from collections.abc import Sequence

import numpy as np

from headscope.interp.asking.head_columns import HeadColumns, as_numbers
from headscope.interp.results.numbers import is_null


def numbers_that_differ(heads: HeadColumns, numbers: Sequence[str]) -> list[str]:
    """Those that are not the same for every head; all where none differs."""
    return [name for name in numbers if np.unique(as_numbers(heads[name])).size > 1] or list(numbers)


def same_in_words(heads: HeadColumns, numbers: Sequence[str]) -> list[str]:
    """What numbers_that_differ leaves out, nulls apart, with its value, as one line or none."""
    differing = {*numbers_that_differ(heads, numbers)}
    same = [name for name in numbers if name not in differing and not is_null(name.split(".", 1)[1])]
    words = [f"{name.replace('.', ' ').replace('_', ' ')} {word(heads[name].tolist()[0])}" for name in same]
    return [f"The same for every head: {', '.join(words)}."] if words else []


def word(value: object) -> str:
    """Three digits after the point; – for what is not a number."""
    if value != value:
        return "–"
    return str(value) if isinstance(value, bool | int) else f"{value:.3f}"
