"""Figures of one head's deletion: the sources of one destination by quadrant, beside its softmax twin."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from interp.deletion.of_head import HeadContributions
from interp.deletion.quadrants import QUADRANTS
from interp.figures.canvas import SQUARE, canvas, escaped, signed_heatmap, token_ticks, top_down
from interp.figures.deletion import COLOURS

TWIN = "#6b7280"


def destination_figure(found: HeadContributions, destination: int = -1) -> go.Figure:
    """A bar per source, coloured by its quadrant; a mark where the softmax twin would be."""
    row, ov = found.contribution[destination].numpy(), found.ov.numpy()
    weights = found.pattern[destination].numpy()
    tokens = found.labels["source"]
    quadrant = 2 * (weights < 0) + (ov < 0)
    x = np.arange(len(tokens))
    words = np.array([escaped(token) for token in tokens], dtype=object)
    data = np.stack([weights, ov, found.contribution_null[destination].numpy()], -1)
    hover = (
        "%{text} at %{x}<br>C = %{y:.4f} logits<br>weight %{customdata[0]:.4f}, OV term %{customdata[1]:.4f}"
        "<br>softmax twin %{customdata[2]:.4f}"
    )
    bars = [
        go.Bar(
            name=name,
            x=x[quadrant == index],
            y=row[quadrant == index],
            text=words[quadrant == index],
            customdata=data[quadrant == index],
            textposition="none",
            marker_color=COLOURS[index],
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
    axes: dict[str, Any] = {
        "xaxis": {"title": "source", **token_ticks(tokens)},
        "yaxis": {"title": "C, logits", "zeroline": True},
    }
    return canvas(found.about, [*bars, twin], "contribution", barmode="relative", **axes)


def head_contributions_figure(found: HeadContributions) -> go.Figure:
    """C of all destinations and sources."""
    tokens = found.labels["source"]
    words = [escaped(token) for token in tokens]
    pairs = np.array([[f"{d} ← {s}" for s in words] for d in words], dtype=object)
    ticks = token_ticks(tokens)
    return canvas(
        found.about,
        [signed_heatmap(found.contribution, "%{text}<br>%{z:.4f}", pairs)],
        "contribution",
        tall=SQUARE,
        xaxis={"title": "source", **ticks},
        yaxis=top_down(title="destination", **ticks),
    )
