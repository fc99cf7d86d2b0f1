"""Figures of collapse: D(n) on logarithmic axes, and bars over the tokens that reach the last one."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.basedatatypes import BaseTraceType
from torch import Tensor

from headscope.interp.collapse.cancellation import PathCancellation
from headscope.interp.collapse.comparison import CollapseComparison
from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.collapse.paths import PathBound
from headscope.interp.collapse.squashing import Squashing
from headscope.interp.figures.drawing.axes import log_axis, names_along, token_axis
from headscope.interp.figures.drawing.canvas import GAUGE, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.palette.colours import BLUE, DASHED, GREY, depth_colour, line_style
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.result import Result

Curves = CollapseCurves | CollapseComparison


def collapse_figure(curves: CollapseCurves) -> go.Figure:
    """A line per depth, darker when deeper, and the null after the final norm dashed; a menu of distances.

    D of a single pair is a bar per depth instead.
    """
    if len(curves.lengths) == 1:
        return by_depth_figure(curves)
    depths, names = curves.labels["depth"], curves.labels["distance"]
    traces = []
    for view in range(len(names)):
        for depth, label in enumerate(depths):
            line = {"color": depth_colour(depth, len(depths))}
            traces.append(growth(curves, curves.distance[view, depth], label, view, line=line))
        null = curves.distance_null[view, -1]
        traces.append(growth(curves, null, f"null, {depths[-1]}", view, mode="lines", line=DASHED))
    return canvas(
        curves.about, traces, "distance", **growth_axes(curves, traces, "D(n)"), **menu_layout(names, len(depths) + 1)
    )


def by_depth_figure(curves: CollapseCurves) -> go.Figure:
    """D of one pair by depth, the null dashed with its spread; a menu of distances."""
    depths, names = np.array(curves.labels["depth"]), curves.labels["distance"]
    traces: list[BaseTraceType] = []
    for view in range(len(names)):
        shown = {"x": depths, "visible": view == 0, "hovertemplate": "%{x}<br>%{y:.4g}<extra></extra>"}
        spread = {"type": "data", "array": curves.distance_null_spread[view, :, 0].numpy(), "color": GREY}
        null = curves.distance_null[view, :, 0].numpy()
        traces.append(go.Bar(y=curves.distance[view, :, 0].numpy(), name="these prompts", marker_color=BLUE, **shown))
        traces.append(go.Scatter(y=null, name="null", line=DASHED, error_y=spread, **shown))
    return canvas(curves.about, traces, "distance", yaxis={"title": "D"}, **menu_layout(names, per_view=2))


def collapse_comparison_figure(result: CollapseComparison) -> go.Figure:
    """D(n)/D(n₀), a line per model; a menu of distances."""
    names, models = result.labels["distance"], result.labels["model"]
    traces = [
        growth(result, result.relative[at, view], model, view, line=line_style(at))
        for view in range(len(names))
        for at, model in enumerate(models)
    ]
    return canvas(
        result.about, traces, "relative", **growth_axes(result, traces, "D(n)/D(n₀)"), **menu_layout(names, len(models))
    )


def growth(curves: Curves, values: Float[Tensor, "n"], name: str, view: int, **style: object) -> go.Scatter:
    """One line over n; only the first view's are shown."""
    hover = f"{escaped(name)}<br>n = %{{x}}<br>%{{y:.4g}}<extra></extra>"
    x, y = np.array(curves.lengths), values.numpy()
    return go.Scatter(
        x=x, y=y, **{"mode": "lines+markers", **style}, name=escaped(name), visible=view == 0, hovertemplate=hover
    )


def growth_axes(curves: Curves, lines: Sequence[go.Scatter], title: str) -> Properties:
    """Logarithmic axes over n and over what the lines show."""
    reached = np.concatenate([np.asarray(line.y) for line in lines])
    return {"xaxis": log_axis(np.array(curves.lengths, float), title="n"), "yaxis": log_axis(reached, title=title)}


def squashing_figure(result: Squashing) -> go.Figure:
    """The influence of every token on a logarithmic axis, the null dashed."""
    axes = token_bar_axes(result, "influence")
    axes["yaxis"] = log_axis(np.concatenate([result.norm.numpy(), result.norm_null.numpy()]), **axes["yaxis"])
    return canvas(result.about, over_tokens(result, "norm"), "norm", **axes)


def path_bound_figure(result: PathBound) -> go.Figure:
    """The bound of every token, that of equal weights dashed."""
    return canvas(result.about, over_tokens(result, "bound"), "bound", **token_bar_axes(result, "bound"))


def path_cancellation_figure(result: PathCancellation) -> go.Figure:
    """A bar per token, of contributions or of weights, the null dashed."""
    readings = ("contribution_cancellation", "cancellation")
    traces = [
        over_token for field in readings for over_token in over_tokens(result, field, visible=field == readings[0])
    ]
    names = ("of contributions", f"of weights ({GAUGE})")
    axes = token_bar_axes(result, "cancellation")
    axes["yaxis"] |= {"range": [0, 1]}
    return canvas(result.about, traces, readings[0], **axes, **menu_layout(names, per_view=2))


def over_tokens(result: Result, field: str, visible: bool = True) -> list[BaseTraceType]:
    """Bars of a field over the tokens, and its null as a dashed line."""
    values, null = (result.tensors()[name].numpy() for name in (field, f"{field}_null"))
    hover = "%{x}<br>%{y:.4g}<br>null %{customdata:.4g}<extra></extra>"
    x = np.arange(len(values))
    bar = go.Bar(x=x, y=values, customdata=null, hovertemplate=hover)
    bar.update(name=field.replace("_", " "), marker_color=BLUE, visible=visible)
    return [bar, go.Scatter(x=x, y=null, mode="lines", name="null", line=DASHED, visible=visible, hoverinfo="skip")]


def token_bar_axes(result: Result, title: str) -> Properties:
    """The axes of bars over tokens."""
    first = next(iter(result.tensors().values()))
    tokens = names_along(result, "pos", len(first))
    return {"xaxis": token_axis(tokens, title="token"), "yaxis": {"title": title}}
