"""Saved as: what a saved file says of where it comes from, in its name and in its picture."""

import plotly.graph_objects as go
import streamlit as st

from headscope.app.drawings.shown_place import ShownPlace, file_name, origin, place_in_words
from headscope.app.frame.title_line import SHOWN
from headscope.interp.figures.drawing.canvas import LINE, escaped
from headscope.interp.figures.drawing.parts import figure_layout
from headscope.models.io.fields import Fields


def page_place() -> ShownPlace | None:
    """What the page is about; nothing where it shows no model."""
    return st.session_state.get(SHOWN)


def saved_name(key: str) -> str:
    """The name of a file: model, head, position, prompt, what it shows, version."""
    return file_name(page_place(), key)


def origin_words() -> str:
    """The same in words, with the beginning of the prompt."""
    return place_in_words(page_place())


def page_origin(key: str) -> Fields:
    """Both, for a drawing that saves itself in the browser."""
    return origin(page_place(), key)


def with_origin(figure: go.Figure) -> go.Figure:
    """A copy with these words as a line more below its title."""
    drawn = go.Figure(figure)
    layout = figure_layout(drawn)
    lines = [line for line in (layout.title.subtitle.text, escaped(origin_words())) if line]
    drawn.update_layout(title_subtitle={"text": "<br>".join(lines), "font": {"size": 12}})
    if layout.margin.t is not None and layout.height is not None:
        drawn.update_layout(margin_t=layout.margin.t + LINE, height=layout.height + LINE)
    return drawn
