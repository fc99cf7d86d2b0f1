"""Figures of experiments: arms as dots over seeds, as curves with their spread, as grids."""

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType
from plotly.colors import hex_to_rgb

from headscope.interp.arms.arms import ArmCurves, ArmGrid, ArmNumbers
from headscope.interp.figures.drawing.axes import log_axis, top_down
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.palette.colours import CHANCE, GREY, LINES, POSITIVE, line_style
from headscope.interp.figures.palette.properties import Properties

BAND = 0.18
FAR = 3  # ranges of the values: a line beyond would make them one point


def arm_numbers_figure(result: ArmNumbers) -> go.Figure:
    """A dot per seed, and the mean with its standard deviation beside them."""
    names, green = [escaped(label) for label in result.labels["arm"]], {"color": LINES[0]}
    values = result.value.numpy().astype(float)
    traces: list[BaseTraceType] = [
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
    figure = canvas(result.about, traces, "value", yaxis={"title": result.about.unit})
    return figure if result.reference is None else with_reference(figure, result)


def arm_curves_figure(result: ArmCurves) -> go.Figure:
    """A line per arm with a band of one standard deviation."""
    traces = [trace for at in range(len(result.mean)) for trace in arm_curve_traces(result, at)]
    reached = result.mean.numpy().astype(float)
    x, y = ({"title": result.x_title}, {"title": result.about.unit})
    axes: Properties = {
        "xaxis": log_axis(np.array(result.x, float), **x) if result.log_x else x,
        "yaxis": log_axis(reached, **y) if result.log_y else y,
    }
    return canvas(result.about, traces, "mean", **axes)


def arm_curve_traces(result: ArmCurves, at: int) -> list[BaseTraceType]:
    """The band and the line of one arm."""
    mean, spread = (item[at].numpy().astype(float) for item in (result.mean, result.spread))
    name, style, x = escaped(result.labels["arm"][at]), line_style(at), np.array(result.x)
    low = np.maximum(mean - spread, np.fmin.reduce(mean) / 2) if result.log_y else mean - spread
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
    hover = f"{name}<br>{escaped(result.x_title)} %{{x}}<br>%{{y:.4g}} ± %{{customdata:.2g}}<extra></extra>"
    line = go.Scatter(
        x=x, y=mean, customdata=spread, name=name, line=style, mode="lines", legendgroup=name, hovertemplate=hover
    )
    return [band, line]


def arm_grid_figure(result: ArmGrid) -> go.Figure:
    """A heatmap per arm, the mean written in each cell; a menu of arms."""
    rows, columns = ([escaped(label) for label in result.labels[axis]] for axis in ("row", "column"))
    high = float(np.nanmax(result.mean.numpy()))
    traces = []
    for at, mean in enumerate(result.mean.numpy().astype(float)):
        spread = result.spread[at].numpy().astype(float)
        place = f"{result.row_title} %{{y}}, {result.column_title} %{{x}}"
        hover = f"{place}<br>%{{z:.3f}} ± %{{customdata:.2g}}<extra></extra>"
        text = np.where(np.isnan(mean), "", np.round(mean, 2).astype(str))
        shown = {"text": text, "texttemplate": "%{text}", "hovertemplate": hover, "customdata": spread}
        traces.append(
            go.Heatmap(x=columns, y=rows, z=mean, zmin=0, zmax=high, colorscale=POSITIVE, visible=at == 0, **shown)
        )
    axes: Properties = {
        "xaxis": {"title": result.column_title, "type": "category"},
        "yaxis": top_down(title=result.row_title, type="category"),
    }
    return canvas(result.about, traces, "mean", **axes, **menu_layout(result.labels["arm"], 1))


def with_reference(figure: go.Figure, result: ArmNumbers) -> go.Figure:
    """The same with a dashed line at the reference, or words where it is too far off to be drawn."""
    at, name = float(result.reference or 0), escaped(result.reference_name)
    low, high = float(np.nanmin(result.value)), float(np.nanmax(result.value))
    margin = FAR * (high - low or abs(high))
    if low - margin <= at <= high + margin:
        return figure.add_hline(y=at, line=CHANCE, annotation_text=name, annotation_position="bottom right")
    corner = {"xref": "paper", "yref": "paper", "x": 1, "y": 0 if at < low else 1, "showarrow": False}
    return figure.add_annotation(text=f"{name}: {at:.3g}, off the scale", **corner)
