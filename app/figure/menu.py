"""Figure menu: a figure's own menu of views as a box of the page, which keys reach and the address keeps."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st


def with_menu_chosen(figure: go.Figure, key: str, *, is_shown: bool) -> go.Figure:
    """The figure without its menu, in the view that is chosen in a box; a figure without a menu as it is.

    is_shown: whether the box is drawn; else the view is the one that was chosen last.
    """
    views = views_of(figure)
    if not views:
        return figure
    names, first = list(views), menu_of(figure).active or 0
    if is_shown:
        chosen = st.selectbox("Show", names, index=first, key=f"view_{key}", bind="query-params", persist_state="page")
    else:
        chosen = st.session_state.get(f"view_{key}", names[first])
    return figure_in_view(figure, views.get(chosen or "", views[names[first]]))


def menu_of(figure: Any) -> Any:
    """The menu of a figure, or nothing."""
    return figure.layout.updatemenus[0] if figure.layout.updatemenus else None


def views_of(figure: go.Figure) -> dict[str, list[dict[str, Any]]]:
    """What each choice of the menu changes: of the traces and, perhaps, of the layout."""
    menu = menu_of(figure)
    return {} if menu is None else {button.label: list(button.args) for button in menu.buttons}


def figure_in_view(figure: go.Figure, changes: list[dict[str, Any]]) -> go.Figure:
    """A copy in one view, its menu gone."""
    of_traces, *of_layout = changes
    shown: Any = go.Figure(figure)
    shown.layout.updatemenus = ()
    for name, values in of_traces.items():
        for trace, value in zip(shown.data, values, strict=True):
            trace[name] = value
    for change in of_layout:
        shown.update_layout(change)
    return shown
