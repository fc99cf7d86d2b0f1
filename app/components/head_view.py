"""Head view: one open head as a signed heatmap, as coloured tokens, and as numbers of the chosen row."""

from dataclasses import dataclass

import numpy as np
from streamlit.components.v2 import component

from app.address import OpenHead
from app.components.payload import payload
from app.components.signed_code import signed_code
from app.components.source import source
from app.head_numbers import HEAD_NUMBERS
from interp.attention_run import AttentionRun

_mount = component(
    "headscope_head_view",
    html=source("head_view.html"),
    css=source("head_view.css"),
    js=source("payload.js", "signed_colours.js", "token_text.js", "heatmap.js", "token_view.js", "head_view.js"),
)


@dataclass(frozen=True)
class Look:
    """How a head is drawn: colour scale, whether all heads share one range, and which way tokens are read."""

    scale: str
    shared_range: bool
    direction: str


PLAIN = Look("square root", False, "attends to")


def head_view(
    run: AttentionRun,
    run_name: str,
    head: OpenHead,
    look: Look = PLAIN,
    key: str = "head_view",
) -> int:
    """Draw the head and return the chosen row; pointing stays in the browser, a click on a row runs the page again."""
    pattern = run.patterns[head.layer, head.head].numpy()
    peak = float(np.abs(pattern).max())
    fields = [number for number in HEAD_NUMBERS.values() if number.per_row]
    rows = np.stack([getattr(run.rows, number.field)[head.layer, head.head].numpy() for number in fields])
    means = [float(getattr(run.heads, number.field)[head.layer, head.head]) for number in fields]
    header = {
        "run": run_name,
        "name": f"layer {head.layer}, head {head.head}",
        "tokens": run.tokens.strings,
        "peak": peak,
        "range": (float(run.patterns.abs().max()) if look.shared_range else peak) or 1.0,
        "scale": look.scale,
        "direction": look.direction,
        "numbers": [
            {"label": number.label, "meaning": number.meaning, "mean": None if np.isnan(mean) else mean}
            for number, mean in zip(fields, means, strict=True)
        ],
    }
    codes = signed_code(pattern, run.visible[head.layer].numpy(), peak, np.int16)
    data = payload(header, codes=codes, rows=rows.astype(np.float32))
    state = _mount(key=key, data=data, on_row_change=lambda: None)
    return chosen_row(state.get("row"), run_name, len(run.tokens.ids))


def chosen_row(state: dict | None, run_name: str, count: int) -> int:
    """The row that the browser chose in this run; the last one until then."""
    if not state or state.get("run") != run_name:
        return count - 1
    return max(0, min(int(state["row"]), count - 1))
