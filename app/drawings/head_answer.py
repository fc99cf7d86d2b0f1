"""Head answer: what a head view asks while somebody points at it: exact rows, columns and windows."""

from dataclasses import dataclass

import numpy as np

from headscope.app.drawings.head_numbers import numbers_of_rows
from headscope.app.drawings.head_tile import Arrays, head_tile, shown_weights
from headscope.app.drawings.open_head import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_tile import Window, pattern_column, visible_column
from headscope.models.io.fields import Fields

ROW, COLUMN, TILE = "row", "column", "tile"


@dataclass(frozen=True)
class ReadHead:
    """A head that a view shows: of which run, under which name in the browser, and the key of the view.

    state: what tells this head from itself in another run of the same name, such as one with edits.
    """

    run: AttentionRun
    run_name: str
    head: OpenHead
    view: str
    state: str = ""

    @property
    def name(self) -> str:
        """What the view calls it."""
        own = f"layer {self.head.layer}, head {self.head.head}"
        return f"{own}, {self.state}" if self.state else own


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
    run, layer, head = read.run, read.head.layer, read.head.head
    numbers = numbers_of_rows(run, layer)
    values = [float(getattr(run.rows, number.field)[layer, head, index]) for number in numbers]
    return [None if np.isnan(value) else value for value in values]
