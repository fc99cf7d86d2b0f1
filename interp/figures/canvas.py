"""Canvas: what all figures share. Zero is white, blue positive, red negative; rows are queries, top to bottom."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from interp.about import About
from interp.figures.colours import HOLE, LINES, SIGNED

GAUGE = "gauge-dependent"
MOST_TICKS, LONGEST_TICK = 36, 14
PLOT, SQUARE = 340, 480  # pixels, without the title above and the axis below; square: tokens by tokens
TITLE, LINE, WORDS, MENU, BELOW = 58, 17, 92, 44, 70
TITLE_LINE, TITLE_WORDS = 22, 48
BAR_WORDS = 36
BAR_SPACE = "\u00a0\u00a0"  # after tick labels, on which plotly sets the title else
FRAME = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": HOLE}


def canvas(about: About, traces: Sequence[Any], field: str = "", tall: int = PLOT, **layout: Any) -> go.Figure:
    """A figure with the result's title, law and unit; a field that depends on the gauge says so in the title.

    tall: the height of the plot in pixels. The menu of `choice` has a row of its own above it. Heatmaps say what
    their colours are, the unit where they do not know better, and cells without a number are grey.
    """
    title, above = heading(about, field)
    top = TITLE + above + (MENU if "updatemenus" in layout else 0)
    margin = {"l": 70, "r": 30, "t": top, "b": BELOW}
    base = {"title": title, "margin": margin, "height": top + tall + BELOW}
    figure = go.Figure(list(traces), {"template": "plotly_white", "colorway": LINES, **base, **layout})
    unnamed = {"type": "heatmap", "colorbar.title.text": None}
    figure.for_each_trace(lambda one: one.update(colorbar=bar(about.unit)), unnamed)
    if traces and all(isinstance(one, go.Heatmap) for one in traces):
        figure.update_layout(plot_bgcolor=HOLE).update_xaxes(FRAME).update_yaxes(FRAME)
    return figure


def heading(about: About, field: str) -> tuple[dict[str, Any], int]:
    """The title with law and unit below it, and the pixels that their lines take."""
    gauge = f" ({GAUGE})" if field in about.gauge_dependent else ""
    titles = wrap(about.title + gauge, TITLE_WORDS, break_on_hyphens=False)
    lines = wrap(about.law if about.unit == "1" else f"{about.law} · {about.unit}", WORDS, break_on_hyphens=False)
    below = {"text": "<br>".join(map(escaped, lines)), "font": {"size": 12}}
    place = {"x": 0, "y": 1, "yref": "container", "xanchor": "left", "yanchor": "top", "pad": {"t": 14, "l": 16}}
    text = "<br>".join(map(escaped, titles))
    return {"text": text, "subtitle": below, **place}, LINE * len(lines) + TITLE_LINE * (len(titles) - 1)


def bar(words: str) -> dict[str, Any]:
    """A colour bar that says what the colours are."""
    text = "<br>".join(map(escaped, wrap(words, BAR_WORDS, break_on_hyphens=False)))
    return {"title": {"text": text, "side": "right"}, "ticksuffix": BAR_SPACE}


def escaped(text: str) -> str:
    """Text as it is: plotly reads labels as a kind of HTML, and trims what is blank."""
    marked = text.replace("\n", "↵").replace("\t", "⇥")
    marked = marked if text.strip() else marked.replace(" ", "·")
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def token_ticks(tokens: Sequence[str], most: int = MOST_TICKS) -> dict[str, Any]:
    """An axis of positions with tokens as its labels; a long prompt is labelled at every nth position."""
    step = max(1, -(-len(tokens) // most))
    at = list(range(0, len(tokens), step))
    short = [one if len(one) <= LONGEST_TICK else f"{one[: LONGEST_TICK - 1]}…" for one in tokens]
    return {"tickmode": "array", "tickvals": at, "ticktext": [escaped(short[i]) for i in at]}


def log_axis(values: Float[np.ndarray, "..."], **axis: Any) -> dict[str, Any]:
    """A logarithmic axis over the positive values, labelled at 1, 2 and 5 times the powers of ten that they span."""
    known = np.log10(values[np.isfinite(values) & (values > 0)])
    if not known.size:
        return {"type": "log", **axis}
    powers = range(int(np.floor(known.min())), int(np.ceil(known.max())) + 1)
    at = [step * 10.0**power for power in powers for step in ((1, 2, 5) if len(powers) <= 4 else (1,))]
    return {"type": "log", "tickmode": "array", "tickvals": at, "ticktext": [f"{one:g}" for one in at], **axis}


def signed_heatmap(
    values: Float[Tensor, "row column"] | Float[np.ndarray, "row column"], hover: str, text: Any = None
) -> go.Heatmap:
    """A heatmap whose range is symmetric about 0; hover is a plotly template over %{x}, %{y}, %{z}, %{text}."""
    array = np.asarray(values, dtype=np.float32)
    peak = float(np.nanmax(np.abs(array), initial=0.0)) or 1.0
    return go.Heatmap(
        x=np.arange(array.shape[1]),
        y=np.arange(array.shape[0]),
        z=array,
        zmin=-peak,
        zmax=peak,
        colorscale=SIGNED,
        text=text,
        hovertemplate=f"{hover}<extra></extra>",
    )


def top_down(**axis: Any) -> dict[str, Any]:
    """A y axis that counts downwards."""
    return {"autorange": "reversed", **axis}


def head_name(layer: int, head: int) -> str:
    """L3H0."""
    return f"L{layer}H{head}"
