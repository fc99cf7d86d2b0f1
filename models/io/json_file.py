"""A JSON file that is there whole or not at all."""

import json
from pathlib import Path

from headscope.models.io.bounds import bounded_text, refuse_deep
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import ForeignInputError, foreign_input
from headscope.models.io.whole_file import write_whole


def write_json(path: Path, plain: object) -> None:
    """Write JSON-plain values, replacing the file at once."""
    write_whole(path, json.dumps(plain, indent=2) + "\n")


def read_json_object(path: Path, *names: str) -> Fields:
    """The object in a JSON file, which has these names. Raises ForeignInputError, naming the file, for another."""
    with foreign_input(f"cannot read {path} as JSON"):
        plain = json.loads(bounded_text(path))
        refuse_deep(plain)
    if not isinstance(plain, dict):
        raise ForeignInputError(f"cannot read {path}: it holds a JSON {type(plain).__name__}, not an object")
    if missing := [name for name in names if name not in plain]:
        raise ForeignInputError(f"cannot read {path}: it has no {missing[0]!r}")
    return plain
