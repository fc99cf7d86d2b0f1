"""Edges: the strongest weights of one or several heads as lines between the tokens, negative ones dashed."""

from collections.abc import Sequence

from streamlit.components.v2 import component

from headscope.app.drawings.drawing import EDGES
from headscope.app.drawings.drawn_edges import drawn_edges
from headscope.app.drawings.open_head import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields

_mount = component("headscope_edges", html=EDGES.html, css=EDGES.css, js=EDGES.module)


def attention_edges(run: AttentionRun, heads: Sequence[OpenHead], row: int, origin: Fields) -> None:
    """Draw the weights of a row, or the strongest of all, queries on the left, keys on the right.

    origin: name and words of what is saved of them.
    """
    _mount(key="edges", data=drawn_edges(run, heads, row, origin))
