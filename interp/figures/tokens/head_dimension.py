"""The figure of the dimensions of heads' outputs: layers by heads, a menu of measures."""

import plotly.graph_objects as go

from headscope.interp.collapse.tokens.head_dimension import MEASURES, HeadDimension
from headscope.interp.figures.drawing.canvas import canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.heads import head_axes, head_heatmap


def head_dimension_figure(result: HeadDimension) -> go.Figure:
    """One measure of every head; pointing at a head gives its null."""
    traces = [head_heatmap(result, name, visible=name == MEASURES[0]) for name in MEASURES]
    names = [name.replace("_", " ") for name in MEASURES]
    return canvas(result.about, traces, MEASURES[0], **head_axes(), **menu_layout(names))
