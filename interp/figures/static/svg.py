"""SVG of a plotly figure: words stay words, cells are pixels, and the same figure is the same text every time."""

import io
import warnings
from collections.abc import Sequence
from threading import Lock

import plotly.graph_objects as go
from matplotlib import style
from matplotlib.figure import Figure

from headscope.interp.figures.palette.colours import LINES
from headscope.interp.figures.palette.properties import Layout, Trace
from headscope.interp.figures.static.arrays import with_arrays
from headscope.interp.figures.static.marks import unknown_types
from headscope.interp.figures.static.page import DPI, WIDE, page_of
from headscope.interp.figures.static.panel import WAY

# A token is no formula; identifiers are made of what is drawn, not of chance.
STYLE = {"svg.hashsalt": "headscope", "svg.fonttype": "none", "text.parse_math": False, "font.family": "DejaVu Sans"}
UNDATED = dict.fromkeys(("Date", "Creator", "Format", "Type"))
RASTER_DPI = 144
SHARED = {"cmin": "zmin", "cmax": "zmax", "cmid": "zmid", "colorscale": "colorscale", "colorbar": "colorbar"}
DRAWING = Lock()  # matplotlib reads its settings while it draws


def svg_of(figure: go.Figure) -> str:
    """The figure as it looks before anything is chosen in it; a line of words for traces that are not drawn here."""
    drawn = {part: with_arrays(own) for part, own in figure.to_plotly_json().items()}
    traces = shown_traces(drawn["data"], drawn["layout"])
    with DRAWING, style.context(["default", STYLE]), warnings.catch_warnings():
        # Letters that matplotlib's own font lacks are drawn by the viewer's.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        return svg_element(page_or_words(traces, drawn["layout"]))


def shown_traces(traces: Sequence[Trace], layout: Layout) -> list[Trace]:
    """The traces that are not hidden, with their colour of the layout's colorway."""
    template = layout.get("template", {}).get("layout", {})
    way = layout.get("colorway") or template.get("colorway") or LINES
    coloured = [{**of_colour_axis(trace, layout), WAY: way[at % len(way)]} for at, trace in enumerate(traces)]
    return [trace for trace in coloured if trace.get("visible", True) is True]


def of_colour_axis(trace: Trace, layout: Layout) -> Trace:
    """The trace with the range, colours and bar of the layout's axis of colours, where it refers to one."""
    axis = layout.get(trace.get("coloraxis", ""), {})
    return {**trace, **{own: axis[shared] for shared, own in SHARED.items() if shared in axis}}


def page_or_words(traces: Sequence[Trace], layout: Layout) -> Figure:
    """The picture, or which traces it cannot show."""
    unknown = unknown_types(list(traces))
    if not unknown:
        return page_of(traces, layout)
    page = Figure(figsize=(WIDE / DPI, 0.5), dpi=DPI)
    page.text(0.02, 0.5, f"No static picture: it has traces of the type {', '.join(unknown)}.", va="center")
    return page


def svg_element(page: Figure) -> str:
    """The SVG element alone."""
    text = io.StringIO()
    page.savefig(text, format="svg", metadata=UNDATED, dpi=RASTER_DPI)
    return text.getvalue()[text.getvalue().index("<svg") :]
