"""Map points: the queries and keys of a map coloured in several ways, and those that are chosen with their weights."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from jaxtyping import Float
from torch import Tensor

from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.selected_points import Selection
from headscope.app.serving.address import OpenHead
from headscope.app.serving.runs import cached_attention_run
from headscope.interp.figures.drawing.parts import figure_traces
from headscope.interp.figures.palette.colours import LINES
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.geometry.embedding import JointEmbedding
from headscope.interp.heads.head_pattern import strongest_partners

COLOURS = ("kind", "token", "position", "norm")
KINDS = ("query", "key")
POINTS = "points"
MOST_PARTNERS, MOST_POINTS = 4, 40


def coloured_map(result: JointEmbedding, by: str) -> go.Figure:
    """The map, its points coloured by kind, token, position or norm; equal tokens have one colour."""
    figure = result.figure()
    if by == "kind":
        return figure
    for trace, kind in zip(figure_traces(figure), KINDS, strict=True):
        trace.update(marker=token_colours(result.labels[kind]) if by == "token" else by_value(result, kind, by))
    if by == "token":
        return figure
    return figure.update_layout(coloraxis={"colorscale": "Viridis", "colorbar": {"title": by}})


def token_colours(tokens: Sequence[str]) -> Properties:
    """A colour for every token; with more tokens than colours some share theirs, and pointing tells them apart."""
    places = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    return {"color": [LINES[places[token] % len(LINES)] for token in tokens]}


def by_value(result: JointEmbedding, kind: str, by: str) -> Properties:
    """Position or norm on one scale for queries and keys."""
    norms = result.tensors()[f"{kind}_norms"].numpy()
    return {"color": np.arange(len(norms)) if by == "position" else norms, "coloraxis": "coloraxis"}


def remember_points(selection: Selection) -> None:
    """Take what was chosen in the figure over into the box of points."""
    chosen = [
        f"{KINDS[point['curve_number']]} {data[1]}"
        for point in selection.get("points", [])
        if (data := point.get("customdata"))
    ]
    if chosen:
        st.session_state[POINTS] = chosen[:MOST_POINTS]


def points_panel(opened: OpenPrompt, head: OpenHead, result: JointEmbedding) -> None:
    """A box of queries and keys, and the weights of the head that the chosen ones take part in."""
    tokens = opened.tokens.strings
    options = [f"{kind} {at}" for kind in KINDS for at in range(len(tokens))]
    chosen = st.multiselect(
        "Queries and keys to look at",
        options,
        key=POINTS,
        bind="query-params",
        max_selections=MOST_POINTS,
        format_func=lambda point: f"{point} {tokens[int(point.split()[1])]!r}",
        placeholder="Choose here, or click points of a flat map; Shift adds, box and lasso take several",
    )
    if not chosen:
        return
    st.caption("The weights of this head that the chosen points take part in: the strongest by size.")
    pattern = cached_attention_run(opened.key).weights(head.layer, head.head)
    st.dataframe([point_description(point, result, pattern, tokens) for point in chosen], hide_index=True)


def point_description(
    point: str, result: JointEmbedding, pattern: Float[Tensor, "query key"], tokens: Sequence[str]
) -> dict[str, str | int | float]:
    """A point in words: its token and norm, and what it attends to, or which queries attend to it."""
    kind, place = point.split()
    at = int(place)
    partners = strongest_partners(pattern, at, MOST_PARTNERS, is_query=kind == "query")
    words = ", ".join(f"{tokens[other]!r} at {other}: {weight:+.3f}" for other, weight in partners)
    word = "attends to" if kind == "query" else "attended by"
    norm = float(result.tensors()[f"{kind}_norms"][at])
    weights = f"{word} {words}" if words else "none"
    return {"point": kind, "position": at, "token": repr(tokens[at]), "norm": round(norm, 4), "weights": weights}
