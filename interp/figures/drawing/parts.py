"""Parts: what a drawn figure consists of, in plotly's own types."""

from typing import Any

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType
from plotly.graph_objs.layout.updatemenu import Button

from headscope.interp.figures.palette.properties import Properties


def figure_layout(figure: go.Figure) -> Any:
    """What is around it, which plotly hands over untyped."""
    return figure.layout


def figure_traces(figure: go.Figure) -> list[BaseTraceType]:
    """What is drawn, in order."""
    return [trace for trace in figure.data if isinstance(trace, BaseTraceType)]


def menu_buttons(figure: go.Figure) -> list[Button]:
    """Those of the figure's menu."""
    return [button for menu in figure_layout(figure).updatemenus for button in menu.buttons]


def trace_changes(button: Button) -> Properties:
    """What a button of a menu changes in the traces."""
    return button.to_plotly_json()["args"][0]
