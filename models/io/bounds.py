"""Bounds of what comes from elsewhere: how long a text may be, and how deep what a parser makes of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

MOST_BYTES = 10 * 2**20
MOST_DEEP = 64  # far below what Python's own recursion allows


def bounded_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file. Raises ValueError, before anything is read, where it is too large."""
    if (size := path.stat().st_size) > most:
        raise ValueError(f"it has {size} bytes; at most {most} are read")
    return path.read_text(encoding="utf-8")


def refuse_wide(text: str, most_of: Mapping[str, int]) -> None:
    """Raise ValueError for a JSON text with too many of its marks, before Python's far larger values are made of it."""
    for mark, most in most_of.items():
        if (count := text.count(mark)) > most:
            raise ValueError(f"it has {mark} {count} times; at most {most} times")


def refuse_deep(value: object, most: int = MOST_DEEP) -> None:
    """Raise ValueError for tables and lists that stand in one another, more than `most` deep."""
    level = holders([value])
    for _ in range(most):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = holders(item for some in inner for item in some)
    if level:
        raise ValueError(f"it is more than {most} tables or lists deep")


def holders(values: Iterable[object]) -> list[dict | list]:
    """The tables and lists among the values, each once however often it stands there."""
    return list({id(item): item for item in values if isinstance(item, dict | list)}.values())
