"""Figure menu: a figure's own menu of views as a box of the page, which keys reach and the address keeps."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from headscope.interp.figures.drawing.parts import figure_layout, figure_traces, menu_buttons
from headscope.interp.figures.palette.properties import Properties


def with_menu_chosen(figure: go.Figure, key: str, *, is_shown: bool) -> go.Figure:
    """The figure without its menu, in the view that is chosen in a box; a figure without a menu as it is.

    is_shown: whether the box is drawn; else the view is the one that was chosen last.
    """
    views = views_of(figure)
    if not views:
        return figure
    names, first = list(views), figure_layout(figure).updatemenus[0].active or 0
    if is_shown:
        chosen = st.selectbox("Show", names, index=first, key=f"view_{key}", bind="query-params", persist_state="page")
    else:
        chosen = st.session_state.get(f"view_{key}", names[first])
    return figure_in_view(figure, views.get(chosen or "", views[names[first]]))


def views_of(figure: go.Figure) -> dict[str, list[Properties]]:
    """What each choice of the menu changes: of the traces and, perhaps, of the layout."""
    return {str(button.label): button.to_plotly_json()["args"] for button in menu_buttons(figure)}


def figure_in_view(figure: go.Figure, changes: Sequence[Properties]) -> go.Figure:
    """A copy in one view, its menu gone."""
    of_traces, *of_layout = changes
    shown = go.Figure(figure)
    figure_layout(shown).updatemenus = ()
    for name, values in of_traces.items():
        for trace, value in zip(figure_traces(shown), values, strict=True):
            trace[name] = value
    for change in of_layout:
        shown.update_layout(change)
    return shown
