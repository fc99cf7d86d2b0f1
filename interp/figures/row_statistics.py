"""Figures of row statistics: a grid of heads with a menu of statistics, and curves by the position of the query."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Num
from torch import Tensor

from headscope.interp.figures.drawing.axes import names_along, token_axis
from headscope.interp.figures.drawing.canvas import GAUGE, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.heads import head_axes, head_heatmap
from headscope.interp.figures.palette.colours import CHANCE, LINES
from headscope.interp.results.head_score import head_name
from headscope.interp.rows.curves import RowCurves
from headscope.interp.rows.heads import HeadRows
from headscope.interp.rows.missing_mass import MissingMass
from headscope.interp.rows.reading import BESIDE_TWIN
from headscope.models.io.near_names import known_names

FIRST = "normalised_entropy"
EQUAL, TWIN = "equal weights", "softmax twin"


def head_rows_figure(rows: HeadRows) -> go.Figure:
    """Layers by heads, one statistic at a time; pointing at a head gives the null where there is one."""
    fields = sorted((name for name in rows.tensors() if not name.endswith("_null")), key=lambda name: name != FIRST)
    traces = [head_heatmap(rows, field, visible=field == FIRST) for field in fields]
    gauge = rows.about.gauge_dependent
    names = [field.replace("_", " ") + (f" ({GAUGE})" if field in gauge else "") for field in fields]
    return canvas(rows.about, traces, **head_axes(), **menu_layout(names))


def missing_mass_figure(result: MissingMass) -> go.Figure:
    """What goes into nothing, and the entropies without it and with it, head by head."""
    fields = ("mass", "entropy", "entropy_with_nothing")
    traces = [head_heatmap(result, field, visible=field == fields[0]) for field in fields]
    return canvas(result.about, traces, **head_axes(), **menu_layout([field.replace("_", " ") for field in fields]))


def row_curves_figure(curves: RowCurves, statistic: str = FIRST) -> go.Figure:
    """One statistic along the prompt, a line per head beside its null, one layer at a time.

    Raises ValueError for a statistic that is not there.
    """
    known = curves.tensors()
    if statistic not in known:
        raise ValueError(f"unknown statistic {statistic!r}; known: {known_names(statistic, known)}")
    layers, _, n_query = known[statistic].shape
    views = [layer_lines(curves, statistic, layer) for layer in range(layers)]
    axes = {
        "xaxis": token_axis(names_along(curves, "query", n_query), title="query"),
        "yaxis": {"title": statistic.replace("_", " ")},
    }
    menu = menu_layout([f"layer {layer}" for layer in range(layers)], len(views[0]))
    return canvas(curves.about, [item for view in views for item in view], statistic, showlegend=True, **axes, **menu)


def layer_lines(curves: RowCurves, statistic: str, layer: int) -> list[go.Scatter]:
    """The lines of a layer: its heads, and the null dashed, once where it is the same for all of them."""
    values, null = (curves.tensors().get(name) for name in (statistic, f"{statistic}_null"))
    assert values is not None
    lines = [head_curve_trace(values[layer, head], head_name(layer, head), head) for head in range(values.shape[1])]
    if null is not None and statistic in BESIDE_TWIN:
        twins = [head_curve_trace(item, f"{lines[head].name}, {TWIN}", head) for head, item in enumerate(null[layer])]
        lines += [twin.update(line_dash="dot", name=TWIN, showlegend=twin is twins[0]) for twin in twins]
    elif null is not None:
        lines.append(head_curve_trace(null[layer, 0], EQUAL, 0).update(line=CHANCE, legendgroup=EQUAL))
    return [item.update(visible=layer == 0) for item in lines]


def head_curve_trace(values: Num[Tensor, "query"], name: str, head: int) -> go.Scatter:
    """One line, in the colour of a head."""
    return go.Scatter(
        x=np.arange(len(values)),
        y=values.numpy(),
        mode="lines",
        name=name,
        legendgroup=f"head {head}",
        line={"color": LINES[head % len(LINES)], "width": 1.5},
        hovertemplate=f"{name}, %{{x}}<br>%{{y:.4f}}<extra></extra>",
    )
