"""Figures: a result in, a plotly figure out. Nothing is computed here but what is needed to draw."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from interp.result import Result

# Name of a result's class -> "module:function" that draws it; imported when it is first drawn.
FIGURES: dict[str, str] = {
    "HeadScore": "heads:head_score_figure",
}


def figure_of(result: "Result") -> "go.Figure":
    """The figure of a result. Raises ValueError for a kind of result that has none."""
    place = FIGURES.get(type(result).__name__)
    if place is None:
        raise ValueError(f"no figure is known for a {type(result).__name__}; known: {', '.join(FIGURES)}")
    module, function = place.split(":")
    return getattr(import_module(f"interp.figures.{module}"), function)(result)
