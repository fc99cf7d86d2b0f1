"""Saved as: what a saved file says of where it comes from, in its name and in its picture."""

import re
from hashlib import sha256
from importlib.metadata import version

import plotly.graph_objects as go
import streamlit as st

from headscope.app.frame.page import ShownPlace
from headscope.app.frame.title_line import SHOWN
from headscope.interp.figures.drawing.canvas import LINE, escaped
from headscope.interp.figures.drawing.parts import figure_layout

MOST = 60  # characters of a prompt in a picture


def saved_name(key: str) -> str:
    """The name of a file: model, head, position, prompt, what it shows, version."""
    place: ShownPlace | None = st.session_state.get(SHOWN)
    of_place = [] if place is None else [place.model, place.head, f"at-{place.row}", prompt_mark(place.prompt)]
    words = "-".join([*of_place, key.replace("_", "-"), version("headscope")])
    return re.sub(r"[^\w.-]+", "-", words)


def prompt_mark(prompt: str) -> str:
    """Eight signs that tell a prompt from others."""
    return sha256(prompt.encode(errors="replace")).hexdigest()[:8]


def origin_words() -> str:
    """The same in words, with the beginning of the prompt."""
    place: ShownPlace | None = st.session_state.get(SHOWN)
    of_program = f"headscope {version('headscope')}"
    if place is None:
        return of_program
    text = place.prompt if len(place.prompt) <= MOST else f"{place.prompt[: MOST - 1]}…"
    return (
        f"{place.model} · {place.head} · position {place.row} · {text!r} ({prompt_mark(place.prompt)}) · {of_program}"
    )


def with_origin(figure: go.Figure) -> go.Figure:
    """A copy with these words as a line more below its title."""
    drawn = go.Figure(figure)
    layout = figure_layout(drawn)
    lines = [line for line in (layout.title.subtitle.text, escaped(origin_words())) if line]
    drawn.update_layout(title_subtitle={"text": "<br>".join(lines), "font": {"size": 12}})
    if layout.margin.t is not None and layout.height is not None:
        drawn.update_layout(margin_t=layout.margin.t + LINE, height=layout.height + LINE)
    return drawn
