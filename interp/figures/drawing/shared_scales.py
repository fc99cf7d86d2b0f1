"""Shared scales: figures of one kind, side by side, have the same colours and the same range of values."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.basedatatypes import BaseTraceType

from headscope.interp.figures.drawing.axes import log_axis
from headscope.interp.figures.drawing.heatmaps import share_range
from headscope.interp.figures.drawing.parts import figure_layout, figure_traces, menu_buttons, trace_changes
from headscope.interp.figures.palette.properties import Properties

MARGIN = 0.05  # of the range, below and above
STACKED = ("stack", "relative")


def on_shared_scales(figures: Sequence[go.Figure]) -> None:
    """Give figures of one analysis one scale each: heatmap by heatmap, and view by view of a menu.

    A range that a figure has already stays, and so do figures that are not alike.
    """
    if len(figures) < 2:
        return
    share_colours(figures)
    if all(has_free_range(figure) for figure in figures) and len({len(views(figure)) for figure in figures}) == 1:
        share_ranges(figures)


def share_colours(figures: Sequence[go.Figure]) -> None:
    """The nth heatmap of every figure."""
    maps = [[trace for trace in figure_traces(figure) if trace["type"] == "heatmap"] for figure in figures]
    if len({tuple(trace["name"] for trace in of_figure) for of_figure in maps}) != 1:
        return
    for alike in zip(*maps, strict=True):
        share_range(alike)


def share_ranges(figures: Sequence[go.Figure]) -> None:
    """The y axis of every view over what that view shows in any of the figures."""
    together = [
        np.concatenate([visible_y_values(figure, of_view) for figure, of_view in zip(figures, alike, strict=True)])
        for alike in zip(*map(views, figures), strict=True)
    ]
    axes = [y_axis(figures[0], values) for values in together]
    for figure in figures:
        figure.update_layout(yaxis=axes[0])
        for button, axis in zip(menu_buttons(figure), axes, strict=False):
            around = {f"yaxis.{name}": value for name, value in axis.items()}
            button.update(method="update", args=[trace_changes(button), around])


def has_free_range(figure: go.Figure) -> bool:
    """Whether the y axis has values of lines, points or bars, and takes its range from them."""
    axis = figure_layout(figure).yaxis
    is_fixed = axis.range is not None or axis.autorange == "reversed" or axis.type == "category"
    return (
        not is_fixed
        and figure_layout(figure).barmode not in STACKED
        and all(len(visible_y_values(figure, v)) for v in views(figure))
    )


def views(figure: go.Figure) -> list[list[bool]]:
    """Which traces each choice of the menu shows; without a menu, those that are shown."""
    chosen = [list(trace_changes(button)["visible"]) for button in menu_buttons(figure)]
    return chosen or [[trace["visible"] is not False for trace in figure_traces(figure)]]


def visible_y_values(figure: go.Figure, view: Sequence[bool]) -> Float[np.ndarray, "value"]:
    """The numbers on the y axis that a view shows; a logarithmic axis shows those above 0."""
    pairs = zip(figure_traces(figure), view, strict=True)
    shown = [trace for trace, is_shown in pairs if is_shown and stands_upright(trace)]
    values = np.concatenate([np.zeros(0), *(np.asarray(trace["y"], dtype=float).ravel() for trace in shown)])
    return values[np.isfinite(values) & ((values > 0) | (figure_layout(figure).yaxis.type != "log"))]


def stands_upright(trace: BaseTraceType) -> bool:
    """Whether a trace is a line, points or bars along the first y axis."""
    is_along_y = trace["type"] in ("scatter", "bar") and trace["yaxis"] in (None, "y")
    return is_along_y and getattr(trace, "orientation", "") != "h"


def y_axis(figure: go.Figure, values: Float[np.ndarray, "value"]) -> Properties:
    """The range over these values, from 0 where the axis starts there, and the ticks of a logarithmic one."""
    axis = figure_layout(figure).yaxis
    is_log = axis.type == "log"
    has_zero = axis.rangemode == "tozero" or any(trace["type"] == "bar" for trace in figure_traces(figure))
    shown = np.log10(values) if is_log else np.append(values, 0.0) if has_zero else values
    margin = MARGIN * (float(np.ptp(shown)) or 1.0)
    ticks = log_axis(values) if is_log else {}
    return {**ticks, "range": [float(shown.min()) - margin, float(shown.max()) + margin]}
