"""Marks: a plotly trace drawn on a panel. A type of trace that is not in the table cannot be drawn."""

from collections.abc import Callable, Mapping

from headscope.interp.figures.palette.properties import Layout, Trace
from headscope.interp.figures.static.bars import draw_bars
from headscope.interp.figures.static.cells import draw_heatmap, draw_image
from headscope.interp.figures.static.panel import Panel
from headscope.interp.figures.static.points import draw_cloud, draw_scatter

MARKS: Mapping[str, Callable[[Panel, Trace], None]] = {
    "scatter": draw_scatter,
    "scatter3d": draw_cloud,
    "heatmap": draw_heatmap,
    "image": draw_image,
}


def draw_traces(panel: Panel, layout: Layout) -> None:
    """Every trace of a panel; bars together, because they stand beside or on one another."""
    bars = [trace for trace in panel.traces if trace["type"] == "bar"]
    draw_bars(panel, bars, layout)
    for trace in panel.traces:
        if trace["type"] != "bar":
            MARKS[trace["type"]](panel, trace)


def drawable() -> tuple[str, ...]:
    return (*MARKS, "bar")


def unknown_types(traces: list[Trace]) -> list[str]:
    """The types of traces that cannot be drawn."""
    return sorted({trace["type"] for trace in traces} - set(drawable()))
