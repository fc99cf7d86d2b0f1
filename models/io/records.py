"""Records: what a file of ours says, as a frozen dataclass whose every field was checked."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from headscope.models.io.foreign_input import ForeignInputError, foreign_input
from headscope.models.io.plain_record import record_from
from headscope.models.io.plain_values import read_plain

Record = TypeVar("Record")


def read_record(kind: type[Record], path: Path, *, others: bool = False) -> Record:
    """The record in a JSON file. others: whether it may say more, which is left alone.

    Raises ForeignInputError, in one sentence that names the file and the field.
    """
    return record_in(kind, read_plain(path), str(path), others=others)


def record_in(kind: type[Record], plain: object, origin: str, *, others: bool = False) -> Record:
    """The same of plain values; `origin` says where they came from."""
    if not isinstance(plain, Mapping):
        raise ForeignInputError(f"cannot read {origin}: it holds a {type(plain).__name__}, not a table of fields")
    kinds: Any = kind
    known = {field.name for field in fields(kinds)}
    entries = {name: value for name, value in plain.items() if name in known} if others else plain
    with foreign_input(f"cannot read {origin}"):
        return record_from(kind, entries, called="field")
