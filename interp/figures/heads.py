"""Figures of one number per head: a grid of layers by heads, the null in the hover text."""

import numpy as np
import plotly.graph_objects as go

from interp.figures.canvas import canvas, signed_heatmap, top_down
from interp.head_score import HeadScore


def head_score_figure(score: HeadScore) -> go.Figure:
    """The value of every head; pointing at it gives the null and its spread."""
    null, spread = score.value_null, score.value_null_spread
    if null is None or spread is None:
        words, hover = None, "layer %{y}, head %{x}<br>%{z:.4f}"
    else:
        pairs = np.stack([null.numpy(), spread.numpy()], -1)
        words = np.array([[f"{mean:.4f} ± {width:.4f}" for mean, width in row] for row in pairs])
        hover = "layer %{y}, head %{x}<br>%{z:.4f}<br>null %{text}"
    return canvas(
        score.about,
        [signed_heatmap(score.value, hover, words)],
        "value",
        xaxis={"title": "head", "dtick": 1},
        yaxis=top_down(title="layer", dtick=1),
    )
