"""The map of one head's queries and keys: in two or three dimensions, by several methods, coloured in several ways."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from jaxtyping import Float
from torch import Tensor

from app.address import OpenHead
from app.figure_panel import figure_panel
from app.page import Opened, computed
from app.python_code import asked_code
from app.runs import attention_of
from interp.activations import SCORES, gather
from interp.analysis import Setting
from interp.geometry.embedding import Embedding, JointEmbedding
from interp.geometry.rows import PATTERN, QUERY_KEY, embedding_of
from interp.head_pattern import strongest_partners
from interp.hooked_model import HookedModel

METHODS = {"pca": "", "tsne": "sklearn", "umap": "umap"}
COLOURS = ("kind", "position", "norm")
ALWAYS: Any = {"required": True, "bind": "query-params"}
NEEDS = (*QUERY_KEY, PATTERN, SCORES)
KINDS = ("query", "key")
MOST_PARTNERS = 4


def map_panel(opened: Opened, head: OpenHead) -> None:
    """Draw the choices, the map, and what the chosen points are."""
    installed = [name for name, module in METHODS.items() if not module or find_spec(module)]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        method = st.segmented_control("Map by", installed, default="pca", key="method", **ALWAYS)
        dims = st.segmented_control("Dimensions", [2, 3], default=2, key="dims", **ALWAYS)
        colour = st.segmented_control("Colour", COLOURS, default="kind", key="colour", **ALWAYS)
    how, weights = Embedding(method or "pca", dims or 2), opened.service.weights

    def compute(model: HookedModel, watch: object) -> JointEmbedding:
        [run] = gather(model, [opened.tokens], NEEDS)
        return embedding_of(Setting(opened.facts, weights), run, head.layer, head.head, how)

    found = computed(opened, ("map", opened.key.prompt, opened.key.bos, head, how), compute)
    figure_panel(
        f"Queries and keys of L{head.layer}H{head.head}",
        found,
        map_code(opened, head, how),
        key="map",
        figure=coloured(found, colour or "kind"),
        on_select=remember_points,
    )
    if points := st.session_state.get("map_points"):
        st.caption("Chosen points, and the weights of this head that they take part in: the strongest by size")
        pattern = attention_of(opened.key).patterns[head.layer, head.head]
        st.dataframe([described(one, pattern, opened.tokens.strings) for one in points], hide_index=True)


def coloured(found: JointEmbedding, by: str) -> go.Figure:
    """The map, its points coloured by kind, position or norm."""
    figure = found.figure()
    if by == "kind":
        return figure
    for trace, name, symbol in zip(figure.data, ("query", "key"), ("circle", "diamond"), strict=True):
        norms = getattr(found, f"{name}_norms").numpy()
        values = np.arange(len(norms)) if by == "position" else norms
        trace.marker.update(color=values, colorscale="Viridis", coloraxis="coloraxis", symbol=symbol)
    return figure.update_layout(coloraxis={"colorscale": "Viridis", "colorbar": {"title": by}}, legend={"x": 0, "y": 1})


def remember_points(selection: Any) -> None:
    """Keep what the chosen points say."""
    st.session_state["map_points"] = [
        {"kind": KINDS[point["curve_number"]], "position": point["customdata"][1], "norm": point["customdata"][2]}
        for point in selection.get("points", [])
        if point.get("customdata")
    ]


def described(
    point: dict[str, Any], pattern: Float[Tensor, "query key"], tokens: Sequence[str]
) -> dict[str, str | int | float]:
    """A chosen point in words: its token, and what it attends to, or which queries attend to it."""
    at = int(point["position"])
    if at >= len(tokens):  # chosen on another prompt
        return {"kind": point["kind"], "token": "–", "position": at}
    is_query = point["kind"] == "query"
    partners = strongest_partners(pattern, at, MOST_PARTNERS, is_query=is_query)
    said = ", ".join(f"{tokens[other]!r} at {other}: {weight:+.3f}" for other, weight in partners)
    word = "attends to" if is_query else "attended by"
    return {**point, "position": at, "token": repr(tokens[at]), "weights": f"{word} {said}" if said else "none"}


def map_code(opened: Opened, head: OpenHead, how: Embedding) -> str:
    """The lines that make the map again."""
    return f"""from interp.activations import SCORES, gather
from interp.geometry.embedding import Embedding
from interp.geometry.rows import PATTERN, QUERY_KEY, embedding_of
{asked_code(opened)}
[run] = gather(model, asked.prompts, (*QUERY_KEY, PATTERN, SCORES))
how = Embedding({how.method!r}, {how.dims})
embedding_of(asked.setting, run, {head.layer}, {head.head}, how).figure()"""
