"""A document: the unit that is shuffled, held out, and closed by an end-of-text token."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A named text; documents of one name are held out together."""

    name: str
    text: str
