"""Figures of the residual stream by depth: geometry, norms, massive activations; and sinks by head."""

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from headscope.interp.collapse.massive import MassiveActivations
from headscope.interp.collapse.matrix_measures import MEASURES
from headscope.interp.collapse.residual import ResidualGeometry, ResidualNorms
from headscope.interp.collapse.sinks import Sinks
from headscope.interp.figures.drawing.axes import log_axis, name_axis, names_along, token_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.heads import head_axes, head_heatmap
from headscope.interp.figures.palette.colours import BLUE, DASHED, GREY, RANKED
from headscope.interp.figures.palette.properties import Properties

FIRST = "mean_cosine"  # high where tokens are alike


def residual_geometry_figure(result: ResidualGeometry) -> go.Figure:
    """A measure by depth, its null dashed; a menu of measures."""
    measures = sorted(MEASURES, key=lambda name: name != FIRST)
    fields, depths = result.tensors(), result.labels["depth"]
    hover, traces = "%{x}<br>%{y:.4f}<extra></extra>", []
    for name in measures:
        style = {"x": np.arange(len(depths)), "visible": name == FIRST, "hovertemplate": hover}
        spread = {"type": "data", "array": fields[f"{name}_null_spread"].numpy(), "color": GREY}
        traces.append(go.Scatter(y=fields[name].numpy(), name=name.replace("_", " "), line={"color": BLUE}, **style))
        traces.append(go.Scatter(y=fields[f"{name}_null"].numpy(), name="null", line=DASHED, error_y=spread, **style))
    menu = menu_layout([name.replace("_", " ") for name in measures], per_view=2)
    axes: Properties = {"xaxis": name_axis(depths), "yaxis": {"rangemode": "tozero"}}
    return canvas(result.about, traces, **axes, **menu)


def residual_norms_figure(result: ResidualNorms) -> go.Figure:
    """Depths by positions."""
    tokens = names_along(result, "pos", result.norm.shape[1])
    cells = heatmap(result.norm.float(), "%{x}, %{y}<br>%{z:.4g}")
    depths = name_axis(result.labels["depth"])
    axes: Properties = {"xaxis": token_axis(tokens, title="token"), "yaxis": top_down(**depths)}
    return canvas(result.about, [cells], "norm", **axes)


def massive_activations_figure(result: MassiveActivations) -> go.Figure:
    """The largest magnitudes at every depth beside the median, on a logarithmic axis; where they stand in the hover."""
    depths = np.arange(len(result.labels["depth"]))
    ranks = result.value.shape[1]
    times = "%{customdata[1]:.1f} × the median<br>null %{customdata[2]:.1f} ×"
    hover = f"%{{x}}<br>%{{text}}<br>%{{customdata[0]:.4g}}, {times}"
    traces: list[BaseTraceType] = []
    for rank in range(ranks):
        words = [entry_in_words(result, depth, rank) for depth in range(len(depths))]
        columns = (result.value, result.ratio, result.ratio_null)
        bar = go.Bar(x=depths, y=result.value[:, rank].abs().numpy(), name=f"largest {rank + 1}")
        bar.update(marker_color=RANKED[min(rank, len(RANKED) - 1)])
        data = np.stack([column[:, rank].numpy() for column in columns], -1)
        traces.append(
            bar.update(text=words, textposition="none", customdata=data, hovertemplate=f"{hover}<extra></extra>")
        )
    traces.append(go.Scatter(x=depths, y=result.median.numpy(), name="median", mode="lines", line=DASHED))
    reached = np.concatenate([result.value.abs().flatten().numpy(), result.median.numpy()])
    axes: Properties = {"xaxis": name_axis(result.labels["depth"]), "yaxis": log_axis(reached, title="magnitude")}
    return canvas(result.about, traces, "value", barmode="group", **axes)


def entry_in_words(result: MassiveActivations, depth: int, rank: int) -> str:
    """Token and coordinate of one entry."""
    position = int(result.position[depth, rank])
    token = f"{escaped(result.tokens[position])} at {position}" if result.tokens else f"position {position}"
    return f"{token}, dimension {int(result.dimension[depth, rank])}"


def sinks_figure(result: Sinks) -> go.Figure:
    """A menu of the share of the first token by head, which heads are sinks, the share of any token, and of none."""
    views = {
        "share": f"on the {result.about.words.first}",
        "is_sink": f"above ε = {result.epsilon}",
        "anywhere": f"on any {result.about.words.token}",
    } | ({"into_nothing": "into nothing"} if result.into_nothing.any() else {})
    traces = [head_heatmap(result, field, visible=field == "share") for field in views]
    return canvas(result.about, traces, "share", **head_axes(), **menu_layout(list(views.values())))
