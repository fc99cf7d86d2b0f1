"""Figures of one head's attention, or of two heads' difference: the signed heatmap, queries from top to bottom."""

import plotly.graph_objects as go

from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import SQUARE, canvas
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.heads.head_difference import HeadDifference
from headscope.interp.heads.head_pattern import HeadPattern


def head_pattern_figure(result: HeadPattern) -> go.Figure:
    """The weights, on a scale about 0 whatever their signs; pointing at a cell gives both tokens."""
    return cells_by_tokens(result, "pattern", "weight")


def head_difference_figure(result: HeadDifference) -> go.Figure:
    """What one head weighs more or less than the other."""
    return cells_by_tokens(result, "difference", "difference of weights")


def cells_by_tokens(result: HeadPattern | HeadDifference, field: str, words: str) -> go.Figure:
    """A number of every query and key."""
    tokens = result.labels["query"]
    return canvas(
        result.about,
        [signed_heatmap(result.tensors()[field], f"%{{y}} ← %{{x}}<br>{words} %{{z:.4f}}")],
        field,
        tall=SQUARE,
        xaxis=token_axis(tokens, title="key"),
        yaxis=top_down(**token_axis(tokens, title="query")),
    )
