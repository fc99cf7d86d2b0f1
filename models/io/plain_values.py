"""Plain files: JSON, TOML and YAML as plain values, bounded in bytes, marks, depth and aliases before they are used."""

import json
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from headscope.models.io.bounds import MOST_BYTES, bounded_text, refuse_deep, refuse_wide
from headscope.models.io.foreign_input import ForeignInputError, foreign_input
from headscope.models.io.plain_yaml import plain_yaml

READERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".yaml": plain_yaml,
    ".yml": plain_yaml,
    ".json": json.loads,
}
MOST_MARKS = {"{": 100_000, "[": 400_000}


def plain_values(
    text: str, origin: str, kind: str = ".json", refusal: type[ForeignInputError] = ForeignInputError
) -> object:
    """The plain values in a text of that kind. Raises `refusal`, in one sentence that says where the text came from."""
    with unreadable(origin, kind, refusal):
        return parsed(text, kind)


def parsed(text: str, kind: str = ".json") -> object:
    """The same, with the parser's own errors, for who says them in other words. Raises ValueError, RecursionError."""
    refuse_wide(text, MOST_MARKS)
    plain = READERS[kind](text)
    refuse_deep(plain)
    return plain


def read_plain(
    path: Path, most: int = MOST_BYTES, called: str = "", refusal: type[ForeignInputError] = ForeignInputError
) -> object:
    """The same of a file, whose ending says its kind; called: what it is, as "recipe ", before its path."""
    with unreadable(f"{called}{path}", path.suffix, refusal):
        text = bounded_text(path, most)
    return plain_values(text, f"{called}{path}", path.suffix, refusal)


def unreadable(origin: str, kind: str, refusal: type[ForeignInputError]) -> AbstractContextManager[None]:
    """foreign_input around a parser."""
    return foreign_input(f"{origin} cannot be read as {kind}: its parser refuses it", refusal)
