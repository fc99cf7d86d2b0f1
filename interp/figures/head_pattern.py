"""Figure of one head's attention: the signed heatmap, queries from top to bottom."""

import numpy as np
import plotly.graph_objects as go

from interp.figures.canvas import SQUARE, canvas, escaped, signed_heatmap, token_ticks, top_down
from interp.head_pattern import HeadPattern


def head_pattern_figure(found: HeadPattern) -> go.Figure:
    """The weights; pointing at a cell gives both tokens."""
    tokens = found.labels["query"]
    shown = [f"{escaped(token)} at {at}" for at, token in enumerate(tokens)]
    pairs = np.array([[f"{query} ← {key}" for key in shown] for query in shown], dtype=object)
    return canvas(
        found.about,
        [signed_heatmap(found.pattern, "%{text}<br>weight %{z:.4f}", pairs)],
        "pattern",
        tall=SQUARE,
        xaxis={"title": "key", **token_ticks(tokens)},
        yaxis=top_down(title="query", **token_ticks(tokens)),
    )
