"""Figures of one head's deletion: the keys of one row by quadrant, beside its softmax twin."""

import numpy as np
import plotly.graph_objects as go

from headscope.interp.deletion.of_head import HeadContributions
from headscope.interp.deletion.quadrants import QUADRANTS
from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import SQUARE, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import share_range, signed_heatmap
from headscope.interp.figures.head_pattern import PAIR
from headscope.interp.figures.palette.colours import MEANINGS
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.figures.quadrants import quadrant_fill

TWIN = MEANINGS["softmax twin"]


def row_figure(result: HeadContributions, query: int = -1) -> go.Figure:
    """A bar per key, coloured by its quadrant; a mark where the softmax twin would be."""
    row, ov = result.contribution[query].numpy(), result.ov.numpy()
    weights = result.pattern[query].numpy()
    tokens = result.labels["key"]
    quadrant = 2 * (weights < 0) + (ov < 0)
    x = np.arange(len(tokens))
    data = np.stack([weights, ov, result.contribution_null[query].numpy()], -1)
    hover = (
        "%{x}<br>C = %{y:.4f} logits<br>weight %{customdata[0]:.4f}, OV term %{customdata[1]:.4f}"
        "<br>softmax twin %{customdata[2]:.4f}"
    )
    bars = [
        go.Bar(
            name=name,
            x=x[quadrant == index],
            y=row[quadrant == index],
            customdata=data[quadrant == index],
            marker=quadrant_fill(index),
            hovertemplate=f"{hover}<extra>{name}</extra>",
        )
        for index, name in enumerate(QUADRANTS)
    ]
    twin = go.Scatter(
        name="softmax twin",
        x=x,
        y=data[:, 2],
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 9, "color": TWIN, "line": {"width": 2, "color": TWIN}},
        hoverinfo="skip",
    )
    axes: Properties = {
        "xaxis": token_axis(tokens, title="key"),
        "yaxis": {"title": "C, logits", "zeroline": True},
    }
    return canvas(result.about, [*bars, twin], "contribution", barmode="relative", **axes)


def head_contributions_figure(result: HeadContributions) -> go.Figure:
    """C of all queries and keys, of the head and of its softmax twin on one range; a menu of the two."""
    tokens = result.labels["key"]
    maps = [signed_heatmap(item, PAIR) for item in (result.contribution, result.contribution_null)]
    share_range(maps)
    maps[1].visible = False
    return canvas(
        result.about,
        maps,
        "contribution",
        tall=SQUARE,
        xaxis=token_axis(tokens, title="key"),
        yaxis=top_down(**token_axis(tokens, title="query")),
        **menu_layout(("the head", "its softmax twin")),
    )
