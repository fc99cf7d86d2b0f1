"""Passages: pieces of texts, each with the token that a head reads and the one that reads it, a click from its view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.source import source_text
from headscope.app.drawings.source import drawing_text
from headscope.models.io.fields import Fields

AROUND = (10, 4)  # tokens before and after a marked one
_mount = component(
    "headscope_passages",
    html='<ol class="passages"></ol>',
    css=source_text("passages.css"),
    js=drawing_text("token_text.js") + source_text("passages.js"),
)


@dataclass(frozen=True)
class PassageLine:
    """What a line shows: tokens, the row that reads and the key that is read, its weight, its number, and words.

    is_pale: the number is not far from its null.
    """

    strings: tuple[str, ...]
    row: int
    key: int
    weight: float
    value: float
    null: str
    where: str
    is_pale: bool = False


def passage_list(lines: Sequence[PassageLine], key: str, on_open: Callable[[int], None]) -> None:
    """Draw the lines; a click on one calls on_open with its number."""

    def answer(choice: Fields) -> None:
        on_open(max(0, min(int(choice["number"]), len(lines) - 1)))

    _mount(
        key=key, data=[drawn_line(line) for line in lines], on_passage_change=answer_callback(key, "passage", answer)
    )


def drawn_line(line: PassageLine) -> Fields:
    """A line as plain values."""
    fields = {name: getattr(line, name) for name in ("row", "key", "weight", "value", "null", "where", "is_pale")}
    return {**fields, "pieces": pieces(line.strings, line.row, line.key)}


def pieces(strings: Sequence[str], row: int, key: int) -> list[tuple[str, str]]:
    """The tokens around both places as texts and what each is: row, key, both, a gap of left-out ones, or nothing."""
    before, after = AROUND
    shown = sorted(
        {at for place in (row, key) for at in range(max(0, place - before), min(len(strings), place + after + 1))}
    )
    result: list[tuple[str, str]] = [("… ", "gap")] if shown[0] else []
    for at, last in zip(shown, [shown[0] - 1, *shown], strict=False):
        if at > last + 1:
            result.append((" … ", "gap"))
        kind = "both" if at == row == key else "row" if at == row else "key" if at == key else ""
        result.append((strings[at], kind))
    return [*result, (" …", "gap")] if shown[-1] + 1 < len(strings) else result
