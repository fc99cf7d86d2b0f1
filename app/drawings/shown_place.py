"""Shown place: what a view is about, and what a file saved of it says of that in its name and in its picture."""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

from headscope.models.io.fields import Fields

MOST = 60  # characters of a prompt in a picture


@dataclass(frozen=True)
class ShownPlace:
    """Names of the model and the head, the position of the row, and the prompt."""

    model: str
    head: str
    row: int
    prompt: str


def file_name(place: ShownPlace | None, key: str) -> str:
    """Model, head, position, prompt, what is shown, version; without a model the last two."""
    of_place = [] if place is None else [place.model, place.head, f"at-{place.row}", prompt_mark(place.prompt)]
    words = "-".join([*of_place, key.replace("_", "-"), version("headscope")])
    return re.sub(r"[^\w.-]+", "-", words)


def prompt_mark(prompt: str) -> str:
    """Eight signs that tell a prompt from others."""
    return sha256(prompt.encode(errors="replace")).hexdigest()[:8]


def place_in_words(place: ShownPlace | None) -> str:
    """The same in words, with the beginning of the prompt."""
    of_program = f"headscope {version('headscope')}"
    if place is None:
        return of_program
    text = place.prompt if len(place.prompt) <= MOST else f"{place.prompt[: MOST - 1]}…"
    return (
        f"{place.model} · {place.head} · position {place.row} · {text!r} ({prompt_mark(place.prompt)}) · {of_program}"
    )


def origin(place: ShownPlace | None, key: str) -> Fields:
    """Both, for a drawing that saves itself in the browser."""
    return {"name": file_name(place, key), "words": place_in_words(place)}
