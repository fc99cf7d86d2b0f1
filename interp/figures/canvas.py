"""Canvas: what all figures share. Zero is white, blue positive, red negative; rows are queries, top to bottom."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from interp.about import About

SIGNED = "RdBu"  # red negative, white zero, blue positive
POSITIVE = "Blues"
GAUGE = "gauge-dependent"
MOST_TICKS = 40
MOST_WORDS = 90


def canvas(about: About, traces: Sequence[Any], field: str = "", **layout: Any) -> go.Figure:
    """A figure with the result's title and unit; a field that depends on the gauge says so in the title."""
    gauge = f" ({GAUGE})" if field in about.gauge_dependent else ""
    words = shortened(f"{about.law} · {about.unit}")
    title = f"{escaped(about.title)}{gauge}<br><sub>{escaped(words)}</sub>"
    base = {"title": {"text": title}, "template": "plotly_white", "margin": {"l": 70, "r": 30, "t": 80, "b": 60}}
    return go.Figure(list(traces), {**base, **layout})


def shortened(text: str) -> str:
    """Words that leave room for a figure's menu."""
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]} …"


def escaped(text: str) -> str:
    """Text as it is: plotly reads labels as a kind of HTML, and trims what is blank."""
    marked = text.replace("\n", "↵").replace("\t", "⇥")
    marked = marked.replace(" ", "·") if not marked.strip() else marked
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def token_ticks(tokens: Sequence[str]) -> dict[str, Any]:
    """An axis of positions with tokens as its labels; a long prompt is labelled at every nth position."""
    step = max(1, -(-len(tokens) // MOST_TICKS))
    at = list(range(0, len(tokens), step))
    return {"tickmode": "array", "tickvals": at, "ticktext": [escaped(tokens[i]) for i in at]}


def signed_heatmap(
    values: Float[Tensor, "row column"] | Float[np.ndarray, "row column"], hover: str, text: Any = None
) -> go.Heatmap:
    """A heatmap whose range is symmetric about 0; hover is a plotly template over %{x}, %{y}, %{z}, %{text}."""
    array = np.asarray(values, dtype=np.float32)
    peak = float(np.nanmax(np.abs(array), initial=0.0)) or 1.0
    return go.Heatmap(
        z=array, zmin=-peak, zmax=peak, colorscale=SIGNED, text=text, hovertemplate=f"{hover}<extra></extra>"
    )


def top_down(**axis: Any) -> dict[str, Any]:
    """A y axis that counts downwards."""
    return {"autorange": "reversed", **axis}


def head_name(layer: int, head: int) -> str:
    """L3H0."""
    return f"L{layer}H{head}"
