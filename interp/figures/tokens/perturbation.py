"""Figures of the spread of one token's change: depths by tokens, and its reach in several models."""

import numpy as np
import plotly.graph_objects as go

from headscope.interp.collapse.tokens.perturbation import PerturbationSpread
from headscope.interp.collapse.tokens.spread_comparison import SpreadComparison
from headscope.interp.figures.drawing.axes import name_axis, names_along, token_axis, top_down
from headscope.interp.figures.drawing.canvas import bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.heads import null_words
from headscope.interp.figures.palette.colours import line_style
from headscope.interp.figures.palette.properties import Properties

VIEWS = {"relative": "share of an unrelated text", "distance": "distance"}


def perturbation_figure(result: PerturbationSpread) -> go.Figure:
    """Depths by tokens; the place of the change is named below. A menu of what is shown."""
    words = null_words(result.distance_null, result.distance_null_spread)
    traces = [
        heatmap(tensor.float(), f"%{{x}}, %{{y}}<br>{name} %{{z:.4f}}<br>distance of unrelated texts %{{text}}", words)
        for field, name in VIEWS.items()
        for tensor in (result.tensors()[field],)
    ]
    for trace, name in zip(traces, VIEWS.values(), strict=True):
        trace.update(name=name, visible=name == VIEWS["relative"], colorbar=bar(name))
    tokens = names_along(result, "pos", result.relative.shape[1])
    changed = f"changed: {escaped(tokens[result.position])} at {result.position}"
    axes: Properties = {
        "xaxis": token_axis(tokens, title=changed),
        "yaxis": top_down(**name_axis(result.labels["depth"])),
    }
    return canvas(result.about, traces, "relative", **axes, **menu_layout(list(VIEWS.values())))


def spread_comparison_figure(result: SpreadComparison) -> go.Figure:
    """The reach by the share of the layers that were passed, a line per model."""
    traces = [
        go.Scatter(
            x=np.linspace(0, 1, depths),
            y=result.reach[at, :depths].numpy(),
            name=escaped(model),
            line=line_style(at),
            hovertemplate=f"{escaped(model)}<br>%{{x:.0%}} of the layers<br>%{{y:.4f}}<extra></extra>",
        )
        for at, (model, depths) in enumerate(zip(result.labels["model"], result.depths, strict=True))
    ]
    axes: Properties = {"xaxis": {"title": "share of the layers"}}
    axes |= {"yaxis": {"title": "reach", "rangemode": "tozero"}}
    return canvas(result.about, traces, "reach", showlegend=True, **axes)
