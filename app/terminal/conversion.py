"""Conversion: what `headscope convert` does, and what it says of it."""

from dataclasses import dataclass
from pathlib import Path

from headscope.app.terminal.given_facts import given_facts
from headscope.app.terminal.inspection import format_named
from headscope.models.checkpoints import open_model, save
from headscope.models.io.hub import place_named


@dataclass(frozen=True)
class Conversion:
    """From a checkpoint to a folder; given: NAME=VALUE; dtype: the name of a format of numbers."""

    source: Path
    target: Path
    given: tuple[str, ...]
    dtype: str


def converted(conversion: Conversion) -> str:
    """Write the folder; gives what the checkpoint was taken for, and where the folder is."""
    dtype, given = format_named(conversion.dtype), given_facts(conversion.given)
    opened = open_model(place_named(conversion.source), dtype=dtype, given=given)
    place = save(opened.model, conversion.target, opened.tokenizer)
    return f"{opened.opened_as}\nwritten: {place}"
