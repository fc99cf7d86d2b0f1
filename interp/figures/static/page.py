"""Page: the plots of a figure with their colour bars, legend, title and annotations, each where it has room."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from headscope.interp.figures.palette.properties import Layout, Trace
from headscope.interp.figures.static.annotations import annotate, draw_shape, head_line
from headscope.interp.figures.static.colour_bar import GAP as BAR_GAP
from headscope.interp.figures.static.colour_bar import WIDTH as BAR_WIDTH
from headscope.interp.figures.static.colour_bar import bar_of, bar_room, colour_bar
from headscope.interp.figures.static.legend import ROW, draw_legend, entries, legend_rows
from headscope.interp.figures.static.marks import draw_traces
from headscope.interp.figures.static.panel import Panel, is_square, limit, make_square, panels_on
from headscope.interp.figures.static.scales import label

WIDE, TALL = 760, 450  # pixels; plotly's height where a figure has none
DPI = 96
EDGE, GAP = 14, 10
Box = tuple[float, float, float, float]


def page_of(traces: Sequence[Trace], layout: Layout) -> Figure:
    """The whole figure, drawn; traces: those that are shown."""
    page = Figure(figsize=(WIDE / DPI, TALL / DPI), dpi=DPI)
    panels = panels_on(page, traces, layout)
    bars = [item for item in traces if bar_of(item) is not None]
    top, plots = plot_heights(layout)
    box = (70.0, top, WIDE - 40.0 - 80.0 * len(bars), plots)
    for panel in panels:
        draw_traces(panel, layout)
        fill_panel(panel, box)
    box, bottom = fitted_box(page, panels, box, len(bars) * bar_room(bars))
    tall = with_legend(page, entries(traces, layout), bottom)
    place_all(panels, box, tall)
    for panel in filter(is_square, panels):
        make_square(panel)
    for at, trace in enumerate(bars):
        left = WIDE - EDGE - bar_room(bars) * (at + 1) + BAR_GAP
        colour_bar(page, trace, (left / WIDE, 1 - (top + plots) / tall, BAR_WIDTH / WIDE, plots / tall))
    write_around(page, panels, layout, tall)
    return page


def with_legend(page: Figure, handles: Sequence[Artist], bottom: float) -> float:
    """The pixels of the page's height, with a legend below the lowest label."""
    rows, columns = legend_rows(handles, WIDE - 2 * EDGE)
    tall = bottom + EDGE + (rows * ROW + GAP if handles else 0)
    page.set_size_inches(WIDE / DPI, tall / DPI)
    if handles:
        draw_legend(page, handles, (EDGE / WIDE, 1 - (bottom + GAP) / tall), columns)
    return tall


def write_around(page: Figure, panels: Sequence[Panel], layout: Layout, tall: float) -> None:
    """The title, and what is written and drawn on the plots."""
    head_line(page, layout, tall, plot_heights(layout)[0])
    for shape in layout.get("shapes", ()):
        draw_shape(panels, shape)
    for words in layout.get("annotations", ()):
        annotate(panels, words)


def plot_heights(layout: Layout) -> tuple[float, float]:
    """The pixels above the plots, and those of the plots."""
    margin = {"t": 60 if layout.get("title") else 30, "b": 60} | layout.get("margin", {})
    return float(margin["t"]), float(layout.get("height", TALL) - margin["t"] - margin["b"])


def fill_panel(panel: Panel, box: Box) -> None:
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


def fitted_box(page: Figure, panels: Sequence[Panel], box: Box, bars: int) -> tuple[Box, float]:
    """The box of all plots whose labels just fit the page, and where the lowest label ends."""
    left, top, right, plots = box
    tall = top + plots + 150
    page.set_size_inches(WIDE / DPI, tall / DPI)
    for _ in range(2):
        place_all(panels, (left, top, right, plots), tall)
        outer = labelled_boxes(panels)
        left += EDGE - min(item.x0 for item in outer)
        right += WIDE - EDGE - bars - max(item.x1 for item in outer)
    place_all(panels, (left, top, right, plots), tall)
    bottom = max(tall - item.y0 for item in labelled_boxes(panels))
    return (left, top, right, plots), max(bottom, top + plots)


def labelled_boxes(panels: Sequence[Panel]) -> list[Bbox]:
    """The boxes of the plots with their labels."""
    return [box for panel in panels if (box := panel.axes.get_tightbbox()) is not None]


def place_all(panels: Sequence[Panel], box: Box, tall: float) -> None:
    """Every panel in its domain of the box."""
    left, top, right, plots = box
    for panel in panels:
        x = panel.x.settings.get("domain", (0, 1))
        y = panel.y.settings.get("domain", (0, 1))
        low = 1 - (top + plots * (1 - y[0])) / tall
        place = (left + (right - left) * x[0]) / WIDE, low
        panel.axes.set_position((*place, (right - left) * (x[1] - x[0]) / WIDE, plots * (y[1] - y[0]) / tall))
