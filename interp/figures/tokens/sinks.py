"""Figures of sinks at any token: what each receives and gives by layer, and the direction that marks them by depth."""

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from headscope.interp.collapse.tokens.sink_direction import MEASURES, SinkDirection
from headscope.interp.collapse.tokens.sink_tokens import SinkTokens
from headscope.interp.figures.drawing.axes import name_axis, names_along, token_axis, top_down
from headscope.interp.figures.drawing.canvas import bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.heads import null_words
from headscope.interp.figures.palette.colours import BLUE, DASHED
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.figures.tokens.compression import depth_line, spread_bars

VIEWS = {
    "received": "received weight",
    "contribution": "contribution",
    "value_norm": "length of values",
    "sink_heads": "heads that rest on it",
}


def sink_tokens_figure(result: SinkTokens) -> go.Figure:
    """Layers by tokens, a menu of what is shown; pointing at a cell gives its null."""
    traces = [token_cells(result, name, words, visible=name == "received") for name, words in VIEWS.items()]
    tokens = names_along(result, "pos", result.received.shape[1])
    axes: Properties = {"xaxis": token_axis(tokens, title=result.about.words.token)}
    axes |= {"yaxis": top_down(title="layer", type="category")}
    return canvas(result.about, traces, "received", **axes, **menu_layout(list(VIEWS.values())))


def token_cells(result: SinkTokens, field: str, words: str, *, visible: bool) -> go.Heatmap:
    """A heatmap of a field."""
    tensors = result.tensors()
    null = tensors.get(f"{field}_null")
    null_text = None if null is None else null_words(null, tensors.get(f"{field}_null_spread"))
    hover = f"layer %{{y}}, %{{x}}<br>{words} %{{z:.4f}}" + ("" if null_text is None else "<br>null %{text}")
    return heatmap(tensors[field], hover, null_text).update(visible=visible, name=words, colorbar=bar(words))


def sink_direction_figure(result: SinkDirection) -> go.Figure:
    """A measure by depth beside its null; a menu of measures. Pointing at a depth gives the largest coordinate."""
    fields, traces = result.tensors(), list[BaseTraceType]()
    words = [f"<br>largest coordinate {int(at)}" for at in result.dimension]
    for name in MEASURES:
        spread, line = spread_bars(fields[f"{name}_null_spread"]), {"color": BLUE}
        pair = (
            depth_line(fields[name], name.replace("_", " "), words, line=line),
            depth_line(fields[f"{name}_null"], "null", words, line=DASHED, error_y=spread),
        )
        traces += [item.update(visible=name == MEASURES[0]) for item in pair]
    axes: Properties = {"xaxis": name_axis(result.labels["depth"], title=sinks_in_words(result))}
    axes |= {"yaxis": {"rangemode": "tozero"}}
    menu = menu_layout([name.replace("_", " ") for name in MEASURES], per_view=2)
    return canvas(result.about, traces, MEASURES[0], **axes, **menu)


def sinks_in_words(result: SinkDirection) -> str:
    """Which tokens the sinks are, the first few of them."""
    places = np.flatnonzero(result.is_sink.numpy())
    tokens = result.labels.get("pos", ())
    named = [f"{escaped(tokens[at])} at {at}" if tokens else str(at) for at in places[:4]]
    return f"sinks: {', '.join(named)}{' …' if len(places) > 4 else ''}"
