"""Head view: one open head as a signed heatmap, as coloured tokens, and as numbers of the chosen row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.head_numbers import HEAD_NUMBERS
from headscope.app.components.payload import payload
from headscope.app.components.signed_code import signed_code
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


PLAIN = HeadStyle("square root", False, "attends to")


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

    data, heard_by = _drawn(run, run_name, head, look, key), answer_callback(key, "row", chosen)
    state = _mount(key=key, data=data, on_row_change=heard_by).get("row")
    if row is None:
        return chosen_row(state, run_name, count, start)
    shown = max(0, min(row, count - 1))
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


def _drawn(run: AttentionRun, run_name: str, head: OpenHead, look: HeadStyle, key: str) -> bytes:
    """What the browser draws: the pattern as codes, and the numbers of every row."""
    pattern = run.weights(head.layer, head.head).numpy()
    peak = float(np.abs(pattern).max())
    own_range = float(run.summary.peaks.max()) if look.shared_range else peak
    fields = [number for number in HEAD_NUMBERS.values() if number.per_row]
    rows = np.stack([getattr(run.rows, number.field)[head.layer, head.head].numpy() for number in fields])
    means = [float(getattr(run.heads, number.field)[head.layer, head.head]) for number in fields]
    header = {
        "key": key,
        "run": run_name,
        "name": f"layer {head.layer}, head {head.head}",
        "tokens": run.tokens.strings,
        "start": run.tokens.read_out % len(run.tokens),
        "grid": run.tokens.grid,
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
    codes = signed_code(pattern, run.visible_of(head.layer).numpy(), peak, np.int16)
    pixels = run.tokens.shown_pixels
    shown = {} if pixels is None else {"picture": picture_of(pixels)}
    return payload(header, codes=codes, rows=rows.astype(np.float32), **shown)


def picture_of(pixels: Float[torch.Tensor, "channel row column"]) -> np.ndarray:
    """The pixels as bytes [row, column, red green blue alpha]; -1 is black and 1 white."""
    bytes_of = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).expand(3, -1, -1)
    return np.concatenate([bytes_of.movedim(0, -1).numpy(), np.full((*bytes_of.shape[1:], 1), 255, np.uint8)], -1)
