"""Given facts: what a file does not say of its model and a user said, kept in the link beside the file's name."""

from collections.abc import Mapping
from pathlib import Path

from headscope.app.serving.address import lasting_address_value, write_lasting

GIVEN, OF = "given", "given_of"
Facts = tuple[tuple[str, str], ...]


def facts_in_link(folder: str) -> Facts:
    """What the link says of the file or folder; what it says of another is left alone."""
    words, name = lasting_address_value(GIVEN), lasting_address_value(OF)
    if name != Path(folder).name:
        return ()
    pairs = (word.partition("=") for word in words.split(";"))
    return tuple((fact.strip(), value.strip()) for fact, is_pair, value in pairs if is_pair and fact.strip())


def write_facts(folder: str, facts: Mapping[str, str]) -> None:
    """Put facts into the link, for this file or folder alone."""
    write_lasting(**{GIVEN: ";".join(f"{name}={value}" for name, value in facts.items()), OF: Path(folder).name})
