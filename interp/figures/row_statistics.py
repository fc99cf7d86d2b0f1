"""Figures of row statistics: a grid of heads with a menu of statistics, and curves by the position of the query."""

import numpy as np
import plotly.graph_objects as go

from interp.figures.canvas import GAUGE, canvas, escaped, head_name
from interp.figures.choice import choice
from interp.figures.detectors import grid, heads
from interp.rows.curves import RowCurves
from interp.rows.heads import HeadRows

FIRST = "normalised_entropy"


def head_rows_figure(rows: HeadRows) -> go.Figure:
    """Layers by heads, one statistic at a time; pointing at a head gives the null where there is one."""
    fields = sorted((name for name in rows.tensors() if not name.endswith("_null")), key=lambda name: name != FIRST)
    traces = [grid(rows, field, visible=field == FIRST) for field in fields]
    gauge = rows.about.gauge_dependent
    names = [field.replace("_", " ") + (f" ({GAUGE})" if field in gauge else "") for field in fields]
    return canvas(rows.about, traces, **heads(), **choice(names))


def row_curves_figure(curves: RowCurves, statistic: str = FIRST) -> go.Figure:
    """One statistic along the prompt, a line per head, darker in later layers; equal weights dashed.

    Raises ValueError for a statistic that is not there.
    """
    known = curves.tensors()
    if statistic not in known:
        raise ValueError(f"unknown statistic {statistic!r}; known: {', '.join(known)}")
    values, null = known[statistic], known.get(f"{statistic}_null")
    layers, n_heads, n_query = values.shape
    place = np.arange(n_query)
    words = np.array([escaped(token) for token in curves.labels.get("query", [str(i) for i in place])], dtype=object)
    lines = [
        go.Scatter(
            x=place,
            y=values[layer, head].numpy(),
            mode="lines",
            name=head_name(layer, head),
            text=words,
            line={"color": f"rgba(33, 102, 172, {0.25 + 0.75 * (layer + 1) / layers:.2f})", "width": 1.5},
            hovertemplate=f"{head_name(layer, head)}, %{{text}} at %{{x}}<br>%{{y:.4f}}<extra></extra>",
        )
        for layer in range(layers)
        for head in range(n_heads)
    ]
    if null is not None:
        dashed = {"color": "#1c2030", "dash": "dash", "width": 1}
        lines.append(go.Scatter(x=place, y=null[0, 0].numpy(), mode="lines", name="equal weights", line=dashed))
    axes = {"xaxis": {"title": "position of the query"}, "yaxis": {"title": statistic.replace("_", " ")}}
    return canvas(curves.about, lines, statistic, **axes)
