"""Head reader: answers what a head view asks while somebody points at it: exact rows, columns and windows."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from headscope.app.components.head_numbers import HEAD_NUMBERS
from headscope.app.components.head_tile import Arrays, head_tile, shown_weights
from headscope.app.components.payload import payload
from headscope.app.components.source import source_text
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_tile import Window, pattern_column, visible_column
from headscope.models.io.fields import Fields

ROW, COLUMN, TILE = "row", "column", "tile"
_mount = component(
    "headscope_head_reader",
    html='<i class="reader" hidden></i>',
    js=source_text("payload.js", "head_reader.js"),
)


@dataclass(frozen=True)
class ReadHead:
    """A head that a view shows: of which run, under which name in the browser, and the key of the view."""

    run: AttentionRun
    run_name: str
    head: OpenHead
    view: str

    @property
    def name(self) -> str:
        """What the view calls it."""
        return f"layer {self.head.layer}, head {self.head.head}"


@st.fragment
def head_reader(read: ReadHead, line: tuple[str, int]) -> None:
    """Answer the view's last question, or send the line that the page shows; a question runs this alone again."""
    key = f"reader-of-{read.view}"
    asked: Fields | None = st.session_state.pop(f"asked-of-{read.view}", None)

    def hear() -> None:
        st.session_state[f"asked-of-{read.view}"] = (st.session_state.get(key) or {}).get("ask")

    is_own = asked is not None and (asked.get("run"), asked.get("name")) == (read.run_name, read.name)
    header, arrays = answer(read, asked["part"] if asked and is_own else {"kind": line[0], "index": line[1]})
    stamp = asked["stamp"] if asked else 0
    own = {"view": read.view, "run": read.run_name, "name": read.name, "stamp": stamp}
    _mount(key=key, data=payload({**own, **header}, **arrays), on_ask_change=hear)


def answer(read: ReadHead, part: Fields) -> tuple[Fields, Arrays]:
    """A line or a window of the head, whatever the browser says within its bounds."""
    run, (layer, head), count = read.run, (read.head.layer, read.head.head), len(read.run.tokens)
    if part["kind"] == TILE:
        size = max(1, min(int(part["size"]), count))
        top, left = (max(0, min(int(part[side]), count - size)) for side in ("top", "left"))
        place, arrays = head_tile(run, layer, head, Window(top, left, size))
        return {"tile": place, "lines": []}, arrays
    index = max(0, min(int(part["index"]), count - 1))
    kind = COLUMN if part["kind"] == COLUMN else ROW
    weights = line_of(read, kind, index)
    lines = [{"kind": kind, "index": index}]
    return {"lines": lines, "numbers": [numbers_of_row(read, index)]}, {"lines": weights}


def line_of(read: ReadHead, kind: str, index: int) -> np.ndarray:
    """The exact weights of a row over its keys, or of a key over its queries."""
    run, layer, head = read.run, read.head.layer, read.head.head
    if kind == COLUMN:
        return shown_weights(pattern_column(run, layer, head, index).numpy(), visible_column(run, layer, index).numpy())
    row = slice(index, index + 1)
    return shown_weights(run.weights(layer, head, row)[0].numpy(), run.visible_of(layer, row)[0].numpy())


def numbers_of_row(read: ReadHead, index: int) -> list[float | None]:
    """The statistics of a row, in their order; none that is no number."""
    fields = [number.field for number in HEAD_NUMBERS.values() if number.per_row]
    values = [float(getattr(read.run.rows, field)[read.head.layer, read.head.head, index]) for field in fields]
    return [None if np.isnan(value) else value for value in values]
