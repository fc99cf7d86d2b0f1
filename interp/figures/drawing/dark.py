"""Dark: a figure for a dark page. What stands out on white by being dark stands out there by being light."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from headscope.interp.figures.drawing.parts import figure_layout, figure_traces
from headscope.interp.figures.palette.colours import HOLE
from headscope.interp.figures.palette.luminance import light, with_lightness
from headscope.interp.figures.palette.properties import Properties

PAGE, INK, RULE, DARK_HOLE = "#0f1117", "#d6dae4", "#262b37", "#2d3240"
MENU = {"bgcolor": "#9aa2b5", "bordercolor": "#9aa2b5", "font": {"color": PAGE}}  # plotly makes a chosen line pale
DARK_REDS = ("#ffc2b8", "#ff8a78", "#e2504a", "#9d2c34", "#4e1c25")
DARK_BLUES = ("#16304f", "#1e5690", "#3686d0", "#72b4f4", "#c0e0ff")
DARK_SIGNED = [[index / 10, colour] for index, colour in enumerate((*DARK_REDS, "#12141b", *DARK_BLUES))]
DARK_POSITIVE = [[index / 5, colour] for index, colour in enumerate(("#12141b", *DARK_BLUES))]
LIGHTEST, SPAN = 92, 0.5  # the lightness that black becomes, and how much of all differences stays


def dark_figure(figure: go.Figure) -> go.Figure:
    """A copy fit for a page of the colour PAGE: the same data, layout and template in other colours.

    Heatmaps are dark at zero and light at the largest magnitude. Of every other colour the hue stays and the lightness
    is turned about, so that black becomes nearly white, and white a grey that can be seen.
    """
    dark = go.Figure(figure)
    for trace in figure_traces(dark):
        trace.update(turned_in(trace.to_plotly_json()))
        if isinstance(trace, go.Heatmap):
            trace.colorscale = DARK_SIGNED if np.asarray(trace.zmin or 0) < 0 else DARK_POSITIVE
    for shape in figure_layout(dark).shapes:
        shape.update(turned_in(shape.to_plotly_json()))
    dark.update_traces(marker_line_color=PAGE, selector={"type": "bar"})
    own = {name: value for name, value in dark.layout.to_plotly_json().items() if name in ("colorway", "coloraxis")}
    return on_a_dark_page(dark.update_layout(turned_in(own)))


def on_a_dark_page(figure: go.Figure) -> go.Figure:
    """The figure with page, words, rules and menus in the colours of a dark page."""
    ground = DARK_HOLE if figure_layout(figure).plot_bgcolor == HOLE else PAGE
    rules = {"gridcolor": RULE, "zerolinecolor": RULE, "linecolor": RULE}
    box = {f"{axis}axis": {**rules, "backgroundcolor": PAGE} for axis in "xyz"}
    menus = [MENU for _ in figure_layout(figure).updatemenus]
    figure.update_layout(paper_bgcolor=PAGE, plot_bgcolor=ground, font_color=INK, updatemenus=menus)
    return figure.update_xaxes(rules).update_yaxes(rules).update_scenes(box)


def turned_in(properties: Mapping[str, object]) -> Properties:
    """The colours among some properties of plotly, in the same places, turned about."""
    result: Properties = {}
    for name, value in properties.items():
        if isinstance(value, Mapping):
            result[name] = turned_in(value)
        elif name.endswith(("color", "colorscale", "colorway")):
            result[name] = turned_all(value)
    return result


def turned_all(value: Any) -> Any:
    """A colour, or every colour of a list or scale; numbers stay."""
    if isinstance(value, str):
        item = light(value)
        return str(with_lightness(item, LIGHTEST - SPAN * item.lightness))
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype.kind in "OU"):
        return [turned_all(item) for item in value]
    return value
