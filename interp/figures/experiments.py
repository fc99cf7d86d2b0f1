"""Figures of experiments: arms as dots over seeds, as curves with their spread, as grids."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb

from headscope.interp.arms.arms import ArmCurves, ArmGrid, ArmNumbers
from headscope.interp.figures.drawing.axes import log_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import choice
from headscope.interp.figures.palette.colours import CHANCE, GREY, LINES, POSITIVE, line_style

BAND = 0.18
FAR = 3  # ranges of the values: a line beyond would make them one point


def arm_numbers_figure(found: ArmNumbers) -> go.Figure:
    """A dot per seed, and the mean with its standard deviation beside them."""
    names, green = [escaped(one) for one in found.labels["arm"]], {"color": LINES[0]}
    values = found.value.numpy().astype(float)
    traces: list[Any] = [
        go.Scatter(
            x=np.repeat(names, values.shape[1]),
            y=values.ravel(),
            mode="markers",
            name="seeds",
            marker={"color": GREY, "size": 8, "symbol": "circle-open"},
            hovertemplate="%{x}<br>%{y:.5g}<extra></extra>",
        )
    ]
    measured = [row[~np.isnan(row)] for row in values]
    traces.append(
        go.Scatter(
            x=names,
            y=[row.mean() if len(row) else np.nan for row in measured],
            error_y={"type": "data", "array": [row.std(ddof=1) if len(row) > 1 else 0 for row in measured], **green},
            mode="markers",
            name="mean ± standard deviation",
            marker={"color": LINES[0], "size": 11, "symbol": "diamond"},
            hovertemplate="%{x}<br>mean %{y:.5g}<extra></extra>",
        )
    )
    figure = canvas(found.about, traces, "value", yaxis={"title": found.about.unit})
    return figure if found.reference is None else with_reference(figure, found)


def arm_curves_figure(found: ArmCurves) -> go.Figure:
    """A line per arm with a band of one standard deviation."""
    traces = [trace for at in range(len(found.mean)) for trace in curve(found, at)]
    reached = found.mean.numpy().astype(float)
    x, y = ({"title": found.x_title}, {"title": found.about.unit})
    axes: dict[str, Any] = {
        "xaxis": log_axis(np.array(found.x, float), **x) if found.log_x else x,
        "yaxis": log_axis(reached, **y) if found.log_y else y,
    }
    return canvas(found.about, traces, "mean", **axes)


def curve(found: ArmCurves, at: int) -> list[Any]:
    """The band and the line of one arm."""
    mean, spread = (one[at].numpy().astype(float) for one in (found.mean, found.spread))
    name, style, x = escaped(found.labels["arm"][at]), line_style(at), np.array(found.x)
    low = np.maximum(mean - spread, np.fmin.reduce(mean) / 2) if found.log_y else mean - spread
    red, green, blue = hex_to_rgb(style["color"])
    band = go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([mean + spread, low[::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{BAND})",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
        mode="lines",
    )
    hover = f"{name}<br>{escaped(found.x_title)} %{{x}}<br>%{{y:.4g}} ± %{{customdata:.2g}}<extra></extra>"
    line = go.Scatter(
        x=x, y=mean, customdata=spread, name=name, line=style, mode="lines", legendgroup=name, hovertemplate=hover
    )
    return [band, line]


def arm_grid_figure(found: ArmGrid) -> go.Figure:
    """A heatmap per arm, the mean written in each cell; a menu of arms."""
    rows, columns = ([escaped(one) for one in found.labels[axis]] for axis in ("row", "column"))
    high = float(np.nanmax(found.mean.numpy()))
    traces = []
    for at, mean in enumerate(found.mean.numpy().astype(float)):
        spread = found.spread[at].numpy().astype(float)
        hover = (
            f"{found.row_title} %{{y}}, {found.column_title} %{{x}}<br>%{{z:.3f}} ± %{{customdata:.2g}}<extra></extra>"
        )
        text = np.where(np.isnan(mean), "", np.round(mean, 2).astype(str))
        shown = {"text": text, "texttemplate": "%{text}", "hovertemplate": hover, "customdata": spread}
        traces.append(
            go.Heatmap(x=columns, y=rows, z=mean, zmin=0, zmax=high, colorscale=POSITIVE, visible=at == 0, **shown)
        )
    axes: dict[str, Any] = {
        "xaxis": {"title": found.column_title, "type": "category"},
        "yaxis": top_down(title=found.row_title, type="category"),
    }
    return canvas(found.about, traces, "mean", **axes, **choice(found.labels["arm"], 1))


def with_reference(figure: go.Figure, found: ArmNumbers) -> go.Figure:
    """The same with a dashed line at the reference, or words where it is too far off to be drawn."""
    at, name = float(found.reference or 0), escaped(found.reference_name)
    low, high = float(np.nanmin(found.value)), float(np.nanmax(found.value))
    margin = FAR * (high - low or abs(high))
    if low - margin <= at <= high + margin:
        return figure.add_hline(y=at, line=CHANCE, annotation_text=name, annotation_position="bottom right")
    corner = {"xref": "paper", "yref": "paper", "x": 1, "y": 0 if at < low else 1, "showarrow": False}
    return figure.add_annotation(text=f"{name}: {at:.3g}, off the scale", **corner)
