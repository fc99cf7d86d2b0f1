"""Figure of one head's attention: the signed heatmap, queries from top to bottom."""

import plotly.graph_objects as go

from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import SQUARE, canvas
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.heads.head_pattern import HeadPattern


def head_pattern_figure(result: HeadPattern) -> go.Figure:
    """The weights, on a scale about 0 whatever their signs; pointing at a cell gives both tokens."""
    tokens = result.labels["query"]
    return canvas(
        result.about,
        [signed_heatmap(result.pattern, "%{y} ← %{x}<br>weight %{z:.4f}")],
        "pattern",
        tall=SQUARE,
        xaxis=token_axis(tokens, title="key"),
        yaxis=top_down(**token_axis(tokens, title="query")),
    )
