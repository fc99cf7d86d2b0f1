"""Figures of collapse: D(n) on logarithmic axes, and bars over the tokens that reach the last one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from interp.collapse.cancellation import PathCancellation
from interp.collapse.comparison import CollapseComparison
from interp.collapse.curves import CollapseCurves
from interp.collapse.paths import PathBound
from interp.collapse.squashing import Squashing
from interp.figures.canvas import GAUGE, canvas, escaped, log_axis, token_ticks
from interp.figures.choice import choice
from interp.figures.colours import BLUE, DASHED, DASHES, depth_colour
from interp.result import Result

Curves = CollapseCurves | CollapseComparison


def collapse_figure(curves: CollapseCurves) -> go.Figure:
    """A line per depth, darker when deeper, and the null after the final norm dashed; a menu of distances."""
    depths, names = curves.labels["depth"], curves.labels["distance"]
    traces = []
    for view in range(len(names)):
        for depth, label in enumerate(depths):
            line = {"color": depth_colour(depth, len(depths))}
            traces.append(growth(curves, curves.distance[view, depth], label, view, line=line))
        null = curves.distance_null[view, -1]
        traces.append(growth(curves, null, f"null, {depths[-1]}", view, mode="lines", line=DASHED))
    return canvas(
        curves.about, traces, "distance", **growth_axes(curves, traces, "D(n)"), **choice(names, len(depths) + 1)
    )


def collapse_comparison_figure(found: CollapseComparison) -> go.Figure:
    """D(n)/D(n₀), a line per model; a menu of distances."""
    names, models = found.labels["distance"], found.labels["model"]
    traces = [
        growth(found, found.relative[at, view], model, view, line={"dash": DASHES[at % len(DASHES)]})
        for view in range(len(names))
        for at, model in enumerate(models)
    ]
    return canvas(
        found.about, traces, "relative", **growth_axes(found, traces, "D(n)/D(n₀)"), **choice(names, len(models))
    )


def growth(curves: Curves, values: Any, name: str, view: int, **style: Any) -> go.Scatter:
    """One line over n; only the first view's are shown."""
    hover = f"{escaped(name)}<br>n = %{{x}}<br>%{{y:.4g}}<extra></extra>"
    x, y = np.array(curves.lengths), values.numpy()
    return go.Scatter(
        x=x, y=y, **{"mode": "lines+markers", **style}, name=escaped(name), visible=view == 0, hovertemplate=hover
    )


def growth_axes(curves: Curves, lines: Sequence[go.Scatter], title: str) -> dict[str, Any]:
    """Logarithmic axes over n and over what the lines show."""
    reached = np.concatenate([np.asarray(one.y) for one in lines])
    return {"xaxis": log_axis(np.array(curves.lengths, float), title="n"), "yaxis": log_axis(reached, title=title)}


def squashing_figure(found: Squashing) -> go.Figure:
    """The influence of every token on a logarithmic axis, the null dashed."""
    axes = by_token(found, "influence")
    axes["yaxis"] = log_axis(np.concatenate([found.norm.numpy(), found.norm_null.numpy()]), **axes["yaxis"])
    return canvas(found.about, over_tokens(found, "norm"), "norm", **axes)


def path_bound_figure(found: PathBound) -> go.Figure:
    """The bound of every token, that of equal weights dashed."""
    return canvas(found.about, over_tokens(found, "bound"), "bound", **by_token(found, "bound"))


def path_cancellation_figure(found: PathCancellation) -> go.Figure:
    """A bar per token, of contributions or of weights, the null dashed."""
    readings = ("contribution_cancellation", "cancellation")
    traces = [one for field in readings for one in over_tokens(found, field, visible=field == readings[0])]
    names = ("of contributions", f"of weights ({GAUGE})")
    axes = by_token(found, "cancellation")
    axes["yaxis"] |= {"range": [0, 1]}
    return canvas(found.about, traces, readings[0], **axes, **choice(names, per_view=2))


def over_tokens(found: Result, field: str, visible: bool = True) -> list[Any]:
    """Bars of a field over the source tokens, and its null as a dashed line."""
    values, null = (found.tensors()[name].numpy() for name in (field, f"{field}_null"))
    words = np.array([escaped(one) for one in source_tokens(found, len(values))], dtype=object)
    hover = "%{text} at %{x}<br>%{y:.4g}<br>null %{customdata:.4g}<extra></extra>"
    x = np.arange(len(values))
    bar = go.Bar(x=x, y=values, text=words, textposition="none", customdata=null, hovertemplate=hover)
    bar.update(name=field.replace("_", " "), marker_color=BLUE, visible=visible)
    return [bar, go.Scatter(x=x, y=null, mode="lines", name="null", line=DASHED, visible=visible, hoverinfo="skip")]


def by_token(found: Result, title: str) -> dict[str, Any]:
    """The axes of bars over tokens."""
    first = next(iter(found.tensors().values()))
    return {"xaxis": {"title": "token", **token_ticks(source_tokens(found, len(first)))}, "yaxis": {"title": title}}


def source_tokens(found: Result, count: int) -> tuple[str, ...]:
    """The tokens, or their places where they have no names."""
    return tuple(found.labels.get("source", tuple(map(str, range(count)))))
