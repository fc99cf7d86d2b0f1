"""Picture buttons: a figure saved as PNG or SVG, drawn in the browser when asked for, whatever the page shows of it."""

from collections.abc import Callable
from functools import cache

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs
from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.app.drawings.source import drawing_text

WIDTH, HEIGHT = 900, 520
SCALES = {"png": 2, "svg": 1}

_buttons = component(
    "headscope_picture_buttons",
    html=source_text("picture_buttons.html"),
    css=source_text("picture_buttons.css"),
    js=source_text("picture_buttons.js"),
)
_picture = component("headscope_picture", js=drawing_text("downloads.js") + source_text("picture.js"))


@cache
def _bundle() -> Callable[..., object]:
    """The component that brings plotly into the page; 4.8 MB, sent when a browser without it asks for a picture."""
    return component("headscope_plotly_bundle", js=f"{get_plotlyjs()}\n{source_text('plotly_bundle.js')}")


@st.fragment
def picture_buttons(figure: go.Figure, name: str, key: str) -> None:
    """Draw the two buttons; name: of the file. key: of the buttons, one per page. The page does not run again."""
    request = _buttons(key=f"pictures_{key}", data={"key": key}, on_asked_change=lambda: None).get("asked")
    if not request or request["format"] not in SCALES:
        return
    if not request["has_plotly"]:
        _bundle()(key=f"bundle-for-{key}")
    drawn = {"figure": figure_on_paper(figure).to_json(), "scale": SCALES[request["format"]]}
    _picture(key=f"picture-of-{key}", data={"key": key, "name": name, **request, **drawn})


def figure_on_paper(figure: go.Figure) -> go.Figure:
    """The figure as it is saved: on white, of one width, without menus."""
    height = figure.layout.height or HEIGHT  # type: ignore[attr-defined]
    drawn = go.Figure(figure).update_layout(template="plotly_white", paper_bgcolor="white", width=WIDTH, height=height)
    drawn.layout.updatemenus = ()  # type: ignore[attr-defined]
    return drawn
