"""Head view: one open head as a signed heatmap, as coloured tokens, and as numbers of the chosen row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.head_numbers import HEAD_NUMBERS
from headscope.app.components.head_reader import COLUMN, ROW, ReadHead, head_reader
from headscope.app.components.head_tile import MOST_EXACT, head_tile, is_exact, whole
from headscope.app.components.payload import payload
from headscope.app.components.source import source_text
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields

_mount = component(
    "headscope_head_view",
    html=source_text("head_view.html"),
    css=source_text("head_view.css"),
    js=source_text(
        "payload.js",
        "signed_colours.js",
        "token_text.js",
        "patch_view.js",
        "heatmap.js",
        "heatmap_window.js",
        "token_view.js",
        "pattern_tile.js",
        "head_lines.js",
        "head_view.js",
    ),
)
_mount_row = component("headscope_head_row", js=source_text("head_row.js"))


@dataclass(frozen=True)
class HeadStyle:
    """How a head is drawn: colour scale, whether all heads share one range, and which way tokens are read.

    peak: the end of the colour range, for views that are to share one; None takes it from the run.
    mark_signs: a stroke in every cell that is negative, where cells are large enough for one.
    """

    scale: str
    shared_range: bool
    direction: str
    peak: float | None = None
    mark_signs: bool = False


DIRECTIONS = ("attends to", "attended by")
PLAIN = HeadStyle("square root", False, DIRECTIONS[0])


def head_view(
    run: AttentionRun,
    run_name: str,
    head: OpenHead,
    look: HeadStyle = PLAIN,
    key: str = "head_view",
    *,
    row: int | None = None,
    on_row: Callable[[int], None] | None = None,
) -> int:
    """Draw the head and return the chosen row; pointing stays in the browser, a click on a row runs the page again.

    row: the one that is shown; None lets the view keep its own. on_row: called with a row that was chosen in this
    view, before the page runs again. Views whose `on_row` writes what all of them get as `row` stay in step.
    """
    count, start = len(run.tokens), run.tokens.read_out % len(run.tokens)

    def chosen(choice: Fields) -> None:
        if on_row is not None and choice.get("run") == run_name:
            on_row(chosen_row(choice, run_name, count, start))

    data, heard_by = drawn_head(run, run_name, head, look, key), answer_callback(key, "row", chosen)
    state = _mount(key=key, data=data, on_row_change=heard_by).get("row")
    shown = chosen_row(state, run_name, count, start) if row is None else max(0, min(row, count - 1))
    if not is_exact(whole(run)):
        head_reader(ReadHead(run, run_name, head, key), (COLUMN if look.direction == DIRECTIONS[1] else ROW, shown))
    if row is not None:
        heard = state.get("stamp", 0) if state else 0
        _mount_row(key=f"row-of-{key}", data={"view": key, "run": run_name, "row": shown, "stamp": heard})
    return shown


def common_peak(shown: Iterable[tuple[AttentionRun, OpenHead]]) -> float:
    """The strongest weight of several heads, perhaps of several runs: the `peak` of views that share a range."""
    return max(float(run.summary.peaks[head.layer, head.head]) for run, head in shown)


def chosen_row(state: dict | None, run_name: str, count: int, start: int) -> int:
    """The row that the browser chose in this run; until then the one that answers."""
    if not state or state.get("run") != run_name:
        return start
    return max(0, min(int(state["row"]), count - 1))


def drawn_head(run: AttentionRun, run_name: str, head: OpenHead, look: HeadStyle, key: str) -> bytes:
    """What the browser draws: the whole pattern as a tile, and where that is exact, the numbers of every row."""
    place, arrays = head_tile(run, head.layer, head.head, whole(run))
    peak = float(run.summary.peaks[head.layer, head.head])
    own_range = float(run.summary.peaks.max()) if look.shared_range else peak
    fields = [number for number in HEAD_NUMBERS.values() if number.per_row]
    means = [float(getattr(run.heads, number.field)[head.layer, head.head]) for number in fields]
    header = {
        "key": key,
        "run": run_name,
        "name": ReadHead(run, run_name, head, key).name,
        "tokens": run.tokens.strings,
        "start": run.tokens.read_out % len(run.tokens),
        "grid": run.tokens.grid,
        "tile": place,
        "exact": MOST_EXACT,
        "peak": peak,
        "range": (own_range if look.peak is None else look.peak) or 1.0,
        "scale": look.scale,
        "direction": look.direction,
        "signs": look.mark_signs,
        "numbers": [
            {"label": number.label, "meaning": number.meaning, "mean": None if np.isnan(mean) else mean}
            for number, mean in zip(fields, means, strict=True)
        ],
    }
    if is_exact(whole(run)):
        rows = [getattr(run.rows, number.field)[head.layer, head.head].numpy() for number in fields]
        arrays = {**arrays, "rows": np.stack(rows).astype(np.float32)}
    pixels = run.tokens.shown_pixels
    shown = {} if pixels is None else {"picture": picture_of(pixels)}
    return payload(header, **arrays, **shown)


def picture_of(pixels: Float[torch.Tensor, "channel row column"]) -> np.ndarray:
    """The pixels as bytes [row, column, red green blue alpha]; -1 is black and 1 white."""
    bytes_of = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).expand(3, -1, -1)
    return np.concatenate([bytes_of.movedim(0, -1).numpy(), np.full((*bytes_of.shape[1:], 1), 255, np.uint8)], -1)
