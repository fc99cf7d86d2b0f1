"""Legend: the names of traces below the plots, row by row."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from headscope.interp.figures.palette.legend import LETTER, ROW, SYMBOL
from headscope.interp.figures.palette.properties import Layout, Trace
from headscope.interp.figures.static.bars import bar_style
from headscope.interp.figures.static.paint import INK, PIXEL, Keywords, marker_style
from headscope.interp.figures.static.panel import axis_values
from headscope.interp.figures.static.points import line_style_of, point_colours, trace_mode
from headscope.interp.figures.static.words import shown_words


def entries(traces: Sequence[Trace], layout: Layout) -> list[Artist]:
    """A mark per name, where plotly shows a legend: more than one trace that has its own entry, or on demand."""
    named = [trace for trace in traces if trace["type"] not in ("heatmap", "image") and trace.get("showlegend", True)]
    is_shown = layout.get("showlegend", len(named) > 1)
    return [entry(item) for item in named if item.get("name") and axis_values(item, "x")] if is_shown else []


def entry(trace: Trace) -> Patch | Line2D:
    """The trace as it looks, small."""
    name = shown_words(trace["name"])
    if trace["type"] == "bar":
        style = bar_style(trace, 1 if isinstance(trace.get("marker", {}).get("color", ""), str) else len(trace["y"]))
        return Patch(facecolor=style["color"][0], edgecolor=style["edgecolor"], hatch=style["hatch"], label=name)
    mode, marker = trace_mode(trace) if trace["type"] == "scatter" else "markers", trace.get("marker", {})
    look: Keywords = line_style_of(trace) if "lines" in mode else {"linestyle": ""}
    if "markers" in mode:
        look |= marker_style(marker.get("symbol", "circle"), point_colours(trace, 1)[0], marker.get("line", {}))
    return Line2D([], [], label=name, markersize=PIXEL * 7, **look)


def legend_rows(handles: Sequence[Artist], pixels: int) -> tuple[int, int]:
    """Rows and columns that so many pixels have room for."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=1)
    columns = max(1, min(len(handles), pixels // (SYMBOL + LETTER * longest)))
    return -(-len(handles) // columns), columns


def draw_legend(page: Figure, handles: Sequence[Artist], place: tuple[float, float], columns: int) -> None:
    """The entries row by row; matplotlib itself would go column by column."""
    in_rows = [handle for column in range(columns) for handle in handles[column::columns]]
    look: Keywords = {
        "frameon": False,
        "fontsize": 12 * PIXEL,
        "labelcolor": INK,
        "borderaxespad": 0,
        "borderpad": 0,
    }
    spacing: Keywords = {"handlelength": 2.6, "columnspacing": 1.6, "labelspacing": (ROW - 16) / 16}
    page.legend(handles=in_rows, loc="upper left", bbox_to_anchor=place, ncols=columns, **look, **spacing)
