"""Null marks: a number within two spreads of its null is hatched or pale; one that is bound to it is grey."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.basedatatypes import BaseTraceType

from headscope.interp.results.nulls import is_bound_to_null, is_near_null

HATCH = "///"
HATCHED, PALE, GREY = "hatched", "pale", "grey"
MEANINGS = {
    HATCHED: "Hatched: not further than two spreads from the null.",
    PALE: "Pale: not further than two spreads from the null.",
    GREY: "Grey: does not apply; nothing else is possible there.",
}
Numbers = Float[np.ndarray, "*axes"]


def marked_cells(trace: go.Heatmap, value: Numbers, null: Numbers, spread: Numbers) -> go.Heatmap:
    """A heatmap of something of these numbers with its marks; its words of the null move from text to hovertext."""
    bound = is_bound_to_null(value, null, spread)
    near = is_near_null(value, null, spread) & ~bound
    kinds = [kind for kind, there in ((HATCHED, near), (GREY, bound)) if there.any()]
    return trace.update(
        z=np.where(bound, np.float32(np.nan), np.asarray(trace.z)),
        hovertext=trace.text,
        text=np.where(near, HATCH, ""),
        texttemplate="%{text}",
        meta=kinds,
    )


def marked_bars(trace: go.Bar, value: Numbers, null: Numbers, spread: Numbers) -> go.Bar:
    """Bars of these numbers, with pale colours where they are near their nulls."""
    near = is_near_null(value, null, spread)
    own = trace.to_plotly_json()["marker"]["color"]
    colours = np.full(len(near), own, dtype=object) if isinstance(own, str) else np.asarray(own, dtype=object)
    pale = [paler(str(colour)) if there else str(colour) for colour, there in zip(colours, near, strict=True)]
    return trace.update(marker_color=pale, meta=[PALE] if near.any() else [])


def paler(colour: str) -> str:
    """A colour, #rrggbb, two thirds of the way to white."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * 2 / 3):02x}" for part in parts)


def marks_in_words(traces: Sequence[BaseTraceType]) -> list[str]:
    """What the marks of those traces mean that are shown."""
    shown = [trace for trace in traces if trace["visible"] in (None, True)]
    there = {kind for trace in shown for kind in trace["meta"] or ()}
    return [words for kind, words in MEANINGS.items() if kind in there]
