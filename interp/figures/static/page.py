"""Page: the plots of a figure with their colour bars, legend, title and annotations, each where it has room."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interp.figures.static.beside import annotate, draw_shape, head_line
from interp.figures.static.cells import colours_of
from interp.figures.static.legend import ROW, draw_legend, entries, legend_rows
from interp.figures.static.marks import draw_traces
from interp.figures.static.paint import INK, PIXEL
from interp.figures.static.panel import Panel, Trace, is_square, limit, make_square, panels_on
from interp.figures.static.points import colour_range
from interp.figures.static.scales import label, number
from interp.figures.static.words import shown_words

WIDE, TALL = 760, 450  # pixels; plotly's height where a figure has none
DPI = 96
EDGE, GAP = 14, 10
BAR_WIDE, BAR_LETTER = 14, 7
Box = tuple[float, float, float, float]


def page_of(traces: Sequence[Trace], layout: Mapping[str, Any]) -> Figure:
    """The whole figure, drawn; traces: those that are shown."""
    page = Figure(figsize=(WIDE / DPI, TALL / DPI), dpi=DPI)
    panels = panels_on(page, traces, layout)
    handles = entries(traces, layout)
    bars = [one for one in traces if bar_of(one) is not None]
    top, plots = heights(layout)
    box = (70.0, top, WIDE - 40.0 - 80.0 * len(bars), plots)
    for one in panels:
        draw_traces(one, layout)
        fill(one, layout, box)
    box, bottom = fitted(page, panels, box, len(bars) * bar_room(bars))
    rows, columns = legend_rows(handles, WIDE - 2 * EDGE)
    tall = bottom + EDGE + (rows * ROW + GAP if handles else 0)
    page.set_size_inches(WIDE / DPI, tall / DPI)
    place_all(panels, box, tall)
    for one in filter(is_square, panels):
        make_square(one)
    for number_of, trace in enumerate(bars):
        colour_bar(page, trace, box, number_of, tall)
    if handles:
        draw_legend(page, handles, (EDGE / WIDE, 1 - (bottom + GAP) / tall), columns)
    head_line(page, layout, tall, top)
    for shape in layout.get("shapes", ()):
        draw_shape(panels, shape)
    for words in layout.get("annotations", ()):
        annotate(panels, words)
    return page


def heights(layout: Mapping[str, Any]) -> tuple[float, float]:
    """The pixels above the plots, and those of the plots."""
    margin = {"t": 60 if layout.get("title") else 30, "b": 60} | layout.get("margin", {})
    return float(margin["t"]), float(layout.get("height", TALL) - margin["t"] - margin["b"])


def fill(panel: Panel, layout: Mapping[str, Any], box: Box) -> None:
    """Ranges, ticks and titles of a panel whose traces are drawn."""
    left, _, right, plots = box
    if panel.names[0] == "scene":
        return
    for scale, axis in ((panel.x, "x"), (panel.y, "y")):
        if scale.kind == "log":
            getattr(panel.axes, f"set_{axis}scale")("log")
        limit(panel, scale, axis)
    low, high = panel.x.settings.get("domain", (0, 1))
    label(panel.axes.xaxis, panel.x, (right - left) * (high - low))
    low, high = panel.y.settings.get("domain", (0, 1))
    label(panel.axes.yaxis, panel.y, plots * (high - low))


def fitted(page: Figure, panels: Sequence[Panel], box: Box, bars: int) -> tuple[Box, float]:
    """The box of all plots whose labels just fit the page, and where the lowest label ends."""
    left, top, right, plots = box
    tall = top + plots + 150
    page.set_size_inches(WIDE / DPI, tall / DPI)
    for _ in range(2):
        place_all(panels, (left, top, right, plots), tall)
        outer = [one.axes.get_tightbbox() for one in panels]
        left += EDGE - min(one.x0 for one in outer)
        right += WIDE - EDGE - bars - max(one.x1 for one in outer)
    place_all(panels, (left, top, right, plots), tall)
    bottom = max(tall - one.axes.get_tightbbox().y0 for one in panels)
    return (left, top, right, plots), max(bottom, top + plots)


def place_all(panels: Sequence[Panel], box: Box, tall: float) -> None:
    """Every panel in its domain of the box."""
    left, top, right, plots = box
    for one in panels:
        x = one.x.settings.get("domain", (0, 1))
        y = one.y.settings.get("domain", (0, 1))
        low = 1 - (top + plots * (1 - y[0])) / tall
        place = (left + (right - left) * x[0]) / WIDE, low
        one.axes.set_position((*place, (right - left) * (x[1] - x[0]) / WIDE, plots * (y[1] - y[0]) / tall))


def bar_of(trace: Trace) -> Mapping[str, Any] | None:
    """The settings of a trace's colour bar, where it has one."""
    if trace["type"] == "heatmap" and trace.get("showscale", True):
        return trace.get("colorbar", {})
    return trace.get("marker", {}).get("colorbar")


def bar_title(trace: Trace) -> str:
    return shown_words((bar_of(trace) or {}).get("title", {}).get("text", ""))


def bar_room(bars: Sequence[Trace]) -> int:
    """The pixels that one colour bar takes, with its numbers and title."""
    lines = max((bar_title(one).count("\n") + 1 for one in bars), default=0)
    return GAP + BAR_WIDE + 46 + 16 * lines


def colour_bar(page: Figure, trace: Trace, box: Box, at: int, tall: float) -> None:
    """The colours from the lowest value to the highest, on the right of all plots."""
    norm, colours = colours_of(trace) if trace["type"] == "heatmap" else colour_range(trace)
    left = WIDE - EDGE - bar_room([trace]) * (at + 1) + GAP
    _, top, _, plots = box
    axes = page.add_axes((left / WIDE, 1 - (top + plots) / tall, BAR_WIDE / WIDE, plots / tall))
    low, high = float(norm.vmin or 0), float(norm.vmax or 0)
    column = np.linspace(low, high, 128)[:, None]
    axes.imshow(column, origin="lower", extent=(0, 1, low, high), aspect="auto", interpolation="none", cmap=colours)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    is_whole = (bar_of(trace) or {}).get("dtick", 0) >= 1
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=is_whole))
    axes.tick_params(length=0, labelsize=12 * PIXEL, labelcolor=INK)
    axes.set_ylabel(bar_title(trace), rotation=270, va="bottom", fontsize=13 * PIXEL, color=INK)
    for side in axes.spines.values():
        side.set_visible(False)
