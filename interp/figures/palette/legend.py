"""Legend: below the plot in rows, so that it takes no width from a figure that stands beside another."""

from collections.abc import Sequence

from plotly.basedatatypes import BaseTraceType

ROW, SYMBOL, LETTER = 20, 50, 7  # pixels of an entry: its height, its width beside the words, that of a letter
NARROW = 440  # of the narrowest plot that rows are counted for
PLACE = {"orientation": "h", "x": 0, "y": 0, "yanchor": "bottom", "yref": "container"}


def legend_height(traces: Sequence[BaseTraceType]) -> int:
    """The pixels that the entries take: as many to a row as the longest of them lets."""
    names = {
        str(trace["name"])
        for trace in traces
        if trace["name"] and trace["visible"] is not False and trace["showlegend"] is not False
    }
    if len(names) < 2 or all(trace["type"] == "heatmap" for trace in traces):
        return 0
    columns = max(1, NARROW // (SYMBOL + LETTER * max(map(len, names))))
    return ROW * -(-len(names) // columns)
