"""Figures of the residual stream by depth: geometry, norms, massive activations; and sinks by head."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from headscope.interp.collapse.massive import MassiveActivations
from headscope.interp.collapse.matrix_measures import MEASURES
from headscope.interp.collapse.residual import ResidualGeometry, ResidualNorms
from headscope.interp.collapse.sinks import Sinks
from headscope.interp.figures.drawing.axes import log_axis, name_axis, token_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import choice
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.heads import grid, heads
from headscope.interp.figures.palette.colours import BLUE, DASHED, GREY, RANKED

FIRST = "mean_cosine"  # high where tokens are alike


def residual_geometry_figure(found: ResidualGeometry) -> go.Figure:
    """A measure by depth, its null dashed; a menu of measures."""
    measures = sorted(MEASURES, key=lambda name: name != FIRST)
    fields, depths = found.tensors(), found.labels["depth"]
    hover, traces = "%{x}<br>%{y:.4f}<extra></extra>", []
    for name in measures:
        style = {"x": np.arange(len(depths)), "visible": name == FIRST, "hovertemplate": hover}
        spread = {"type": "data", "array": fields[f"{name}_null_spread"].numpy(), "color": GREY}
        traces.append(go.Scatter(y=fields[name].numpy(), name=name.replace("_", " "), line={"color": BLUE}, **style))
        traces.append(go.Scatter(y=fields[f"{name}_null"].numpy(), name="null", line=DASHED, error_y=spread, **style))
    menu = choice([name.replace("_", " ") for name in measures], per_view=2)
    axes: dict[str, Any] = {"xaxis": name_axis(depths), "yaxis": {"rangemode": "tozero"}}
    return canvas(found.about, traces, **axes, **menu)


def residual_norms_figure(found: ResidualNorms) -> go.Figure:
    """Depths by positions."""
    tokens = found.labels.get("pos", tuple(map(str, range(found.norm.shape[1]))))
    cells = heatmap(found.norm.float(), "%{x}, %{y}<br>%{z:.4g}")
    depths = name_axis(found.labels["depth"])
    axes: dict[str, Any] = {"xaxis": token_axis(tokens, title="token"), "yaxis": top_down(**depths)}
    return canvas(found.about, [cells], "norm", **axes)


def massive_activations_figure(found: MassiveActivations) -> go.Figure:
    """The largest magnitudes at every depth beside the median, on a logarithmic axis; where they stand in the hover."""
    depths = np.arange(len(found.labels["depth"]))
    ranks = found.value.shape[1]
    times = "%{customdata[1]:.1f} × the median<br>null %{customdata[2]:.1f} ×"
    hover = f"%{{x}}<br>%{{text}}<br>%{{customdata[0]:.4g}}, {times}"
    traces: list[Any] = []
    for rank in range(ranks):
        words = [where(found, depth, rank) for depth in range(len(depths))]
        columns = (found.value, found.ratio, found.ratio_null)
        bar = go.Bar(x=depths, y=found.value[:, rank].abs().numpy(), name=f"largest {rank + 1}")
        bar.update(marker_color=RANKED[min(rank, len(RANKED) - 1)])
        data = np.stack([one[:, rank].numpy() for one in columns], -1)
        traces.append(
            bar.update(text=words, textposition="none", customdata=data, hovertemplate=f"{hover}<extra></extra>")
        )
    traces.append(go.Scatter(x=depths, y=found.median.numpy(), name="median", mode="lines", line=DASHED))
    reached = np.concatenate([found.value.abs().flatten().numpy(), found.median.numpy()])
    axes: dict[str, Any] = {"xaxis": name_axis(found.labels["depth"]), "yaxis": log_axis(reached, title="magnitude")}
    return canvas(found.about, traces, "value", barmode="group", **axes)


def where(found: MassiveActivations, depth: int, rank: int) -> str:
    """Token and coordinate of one entry."""
    position = int(found.position[depth, rank])
    token = f"{escaped(found.tokens[position])} at {position}" if found.tokens else f"position {position}"
    return f"{token}, dimension {int(found.dimension[depth, rank])}"


def sinks_figure(found: Sinks) -> go.Figure:
    """The share of the first token by head, or which heads are sinks."""
    traces = [grid(found, "share"), grid(found, "is_sink", visible=False)]
    return canvas(found.about, traces, "share", **heads(), **choice(["share", f"above ε = {found.epsilon}"]))
