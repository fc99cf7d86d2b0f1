"""Plain files: JSON, TOML and YAML as plain values, bounded in bytes, marks, depth and aliases before they are used."""

import json
import tomllib
from collections.abc import Callable
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
    with foreign_input(f"cannot read {origin}: it is no {kind.removeprefix('.').upper()} of plain values", refusal):
        refuse_wide(text, MOST_MARKS)
        plain = READERS[kind](text)
        refuse_deep(plain)
    return plain


def read_plain(path: Path, most: int = MOST_BYTES, refusal: type[ForeignInputError] = ForeignInputError) -> object:
    """The plain values in a file, of the kind that its ending says. Raises `refusal` as plain_values does."""
    with foreign_input(f"cannot read {path} as text", refusal):
        text = bounded_text(path, most)
    return plain_values(text, str(path), path.suffix, refusal)
