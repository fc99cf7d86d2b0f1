"""Figures of a head's weights, or of their difference from another's: the signed heatmap, queries downwards."""

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.effective.pattern import EffectivePattern
from headscope.interp.figures.drawing.axes import names_along, token_axis, top_down
from headscope.interp.figures.drawing.canvas import SQUARE, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.heads.head_difference import HeadDifference
from headscope.interp.heads.head_pattern import HeadPattern
from headscope.interp.results.result import Result

NOTHING = "∅ nothing"
AXES = {-2: "query", -1: "key"}
PAIR = "%{y} ← %{x}<br>%{z:.4f}"


def head_pattern_figure(result: HeadPattern) -> go.Figure:
    """The weights, on a scale about 0 whatever their signs; pointing at a cell gives both tokens.

    What goes to no token stands in a column before the first.
    """
    if result.nothing is None:
        return cells_by_tokens(result, "pattern", "weight")
    cells, tokens = torch.cat([result.nothing[:, None], result.pattern], -1), result.labels["query"]
    return canvas(
        result.about,
        [signed_heatmap(cells, "%{y} ← %{x}<br>weight %{z:.4f}")],
        "pattern",
        tall=SQUARE,
        xaxis=token_axis((NOTHING, *result.labels["key"]), title="key"),
        yaxis=top_down(**token_axis(tokens, title="query")),
    )


def head_difference_figure(result: HeadDifference) -> go.Figure:
    """What one head weighs more or less than the other."""
    return cells_by_tokens(result, "difference", "difference of weights")


def cells_by_tokens(result: HeadPattern | HeadDifference, field: str, words: str) -> go.Figure:
    """A number of every query and key."""
    tokens = result.labels["query"]
    return canvas(
        result.about,
        [signed_heatmap(result.tensors()[field], f"%{{y}} ← %{{x}}<br>{words} %{{z:.4f}}")],
        field,
        tall=SQUARE,
        xaxis=token_axis(tokens, title="key"),
        yaxis=top_down(**token_axis(tokens, title="query")),
    )


def effective_pattern_figure(result: EffectivePattern) -> go.Figure:
    """The rows of one head over the keys; a menu where there are several heads."""
    return maps_by_head(result, result.pattern, "pattern", "%{y} ← %{x}<br>weight %{z:.4f}")


def maps_by_head(result: Result, values: Float[Tensor, "head query key"], field: str, hover: str = PAIR) -> go.Figure:
    """A number of every query and key, one head at a time; a menu where there are several heads."""
    names = result.labels["head"]
    queries, keys = (names_along(result, axis, values.shape[at]) for at, axis in AXES.items())
    return canvas(
        result.about,
        [signed_heatmap(item, hover).update(visible=at == 0) for at, item in enumerate(values)],
        field,
        tall=SQUARE,
        xaxis=token_axis(keys, title=f"key ({names[0]})" if len(names) == 1 else "key"),
        yaxis=top_down(**token_axis(queries, title="query")),
        **menu_layout(names),
    )
