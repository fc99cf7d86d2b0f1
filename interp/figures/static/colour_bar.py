"""Colour bar: the colours from the lowest value to the highest, on the right of all plots."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headscope.interp.figures.palette.properties import Properties, Trace
from headscope.interp.figures.static.cells import colours_of
from headscope.interp.figures.static.paint import INK, PIXEL
from headscope.interp.figures.static.points import colour_range
from headscope.interp.figures.static.scales import number_in_short
from headscope.interp.figures.static.words import shown_words

GAP, WIDTH, NUMBERS, TITLE_LINE = 10, 14, 46, 16  # pixels
STEPS = 128


def bar_of(trace: Trace) -> Properties | None:
    """The settings of a trace's colour bar, where it has one."""
    if trace["type"] == "heatmap" and trace.get("showscale", True):
        return trace.get("colorbar", {})
    return trace.get("marker", {}).get("colorbar")


def bar_title(trace: Trace) -> str:
    """What the colours are."""
    return shown_words((bar_of(trace) or {}).get("title", {}).get("text", ""))


def bar_room(bars: Sequence[Trace]) -> int:
    """The pixels that each of some colour bars takes, with its numbers and title."""
    lines = max((bar_title(bar).count("\n") + 1 for bar in bars), default=0)
    return GAP + WIDTH + NUMBERS + TITLE_LINE * lines


def colour_bar(page: Figure, trace: Trace, place: tuple[float, float, float, float]) -> None:
    """The bar at a place in shares of the page: left, bottom, width and height."""
    norm, colours = colours_of(trace) if trace["type"] == "heatmap" else colour_range(trace)
    axes = page.add_axes(place)
    low, high = float(norm.vmin or 0), float(norm.vmax or 0)
    column = np.linspace(low, high, STEPS)[:, None]
    axes.imshow(column, origin="lower", extent=(0, 1, low, high), aspect="auto", interpolation="none", cmap=colours)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.yaxis.set_major_formatter(lambda value, _: number_in_short(value))
    is_whole = (bar_of(trace) or {}).get("dtick", 0) >= 1
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=is_whole))
    axes.tick_params(length=0, labelsize=12 * PIXEL, labelcolor=INK)
    axes.set_ylabel(bar_title(trace), rotation=270, va="bottom", fontsize=13 * PIXEL, color=INK)
    for side in axes.spines.values():
        side.set_visible(False)
