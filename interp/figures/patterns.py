"""Figure of all patterns: a small picture of every head, layers from top to bottom, heads from left to right."""

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from headscope.interp.figures.drawing.axes import top_down
from headscope.interp.figures.drawing.canvas import canvas
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.heads.patterns import Patterns

ROW, LEAST, MOST = 46, 260, 1500  # pixels of a layer, of the whole
NAMED = 16  # axis labels, at most


def patterns_figure(result: Patterns) -> go.Figure:
    """One scale for all heads; the hover gives the weight of a cell."""
    layers, heads, side, _ = result.pattern.shape
    trace = signed_heatmap(pattern_mosaic(result.pattern), "weight %{z:.4f}")
    return canvas(
        result.about,
        [trace],
        "pattern",
        tall=min(MOST, max(LEAST, ROW * layers)),
        xaxis={"title": "head", **tile_ticks(heads, side)},
        yaxis=top_down(title="layer", **tile_ticks(layers, side)),
    )


def pattern_mosaic(pattern: Float[Tensor, "layer head query key"]) -> Float[Tensor, "row column"]:
    """All heads beside one another, a line without a number between them."""
    bordered = pad(pattern, (0, 1, 0, 1), value=torch.nan)
    return bordered.permute(0, 2, 1, 3).flatten(2).flatten(0, 1)[:-1, :-1]


def tile_ticks(count: int, side: int) -> dict[str, object]:
    """Ticks in the middle of pictures, of every one or of every second, third …"""
    shown = np.arange(0, count, -(-count // NAMED))
    return {"tickmode": "array", "tickvals": shown * (side + 1) + (side - 1) / 2, "ticktext": [str(at) for at in shown]}
