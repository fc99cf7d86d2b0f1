"""Figure of quadrants: stacked bars of heads, of layers and of the model; and what a quadrant looks like anywhere."""

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.deletion.quadrants import QUADRANTS, Quadrants
from headscope.interp.figures.deletion import head_names
from headscope.interp.figures.drawing.canvas import canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.null_marks import marked_bars, marked_cells
from headscope.interp.figures.heads import MOST_BARS, head_axes, head_heatmaps, null_words
from headscope.interp.figures.palette.colours import BLUE, BLUES, RED, REDS, bar_marker
from headscope.interp.figures.palette.properties import Properties

# Blue raises the attended token's logit, red lowers it; the pale, striped ones do so through a negative weight.
COLOURS, NEGATIVE = (BLUE, RED, REDS[3], BLUES[1]), (2, 3)
STACKED = (0, 3, 1, 2)


def quadrants_figure(result: Quadrants) -> go.Figure:
    """A bar of every head, split into the four quadrants, with a menu of heads, layers and the model.

    Pointing at a head gives the null. Of many heads a grid of each quadrant.
    """
    if result.net_copy.numel() > MOST_BARS:
        return quadrant_grids(result)
    null = torch.stack([result.share_null, result.share_null_spread], -1).flatten(0, 1).numpy()
    layers = np.array([f"layer {layer}" for layer in range(len(result.layer_share))])
    views = {
        "heads": quadrant_bars(head_names(result.share), result.share.flatten(0, 1), null),
        "layers": quadrant_bars(layers, result.layer_share),
        "model": quadrant_bars(np.array(["all heads"]), result.model_share[None]),
    }
    bars = [item.update(visible=view == "heads") for view, of_view in views.items() for item in of_view]
    axes = {"yaxis": {"range": [0, 1], "title": "share"}}
    return canvas(result.about, bars, "share", barmode="stack", **axes, **menu_layout(list(views), len(QUADRANTS)))


def quadrant_grids(result: Quadrants) -> go.Figure:
    """The share of each quadrant by layer and head, with a menu of the quadrants; pointing at a head gives the null."""
    cells = head_heatmaps(result.share.unbind(-1), QUADRANTS, "share %{z:.3f}<br>null %{text}")
    numbers = (result.share.unbind(-1), result.share_null.unbind(-1), result.share_null_spread.unbind(-1))
    for item, share, mean, spread in zip(cells, *numbers, strict=True):
        item.text = null_words(mean, spread)
        marked_cells(item, share.numpy(), mean.numpy(), spread.numpy())
    return canvas(result.about, cells, "share", **head_axes(), **menu_layout(QUADRANTS))


def quadrant_bars(
    names: np.ndarray,
    share: Float[Tensor, "group quadrant"],
    null: Float[np.ndarray, "group quadrant 2"] | None = None,
) -> list[go.Bar]:
    """A bar of every group, pale where it is near its null. null: mean and standard deviation."""
    words = "" if null is None else "<br>null %{customdata[0]:.3f} ± %{customdata[1]:.3f}"
    bars = [
        go.Bar(
            name=QUADRANTS[i],
            x=names,
            y=share[:, i].numpy(),
            customdata=None if null is None else null[:, i],
            marker=quadrant_fill(i),
            hovertemplate=f"%{{x}} %{{fullData.name}}<br>%{{y:.3f}}{words}<extra></extra>",
        )
        for i in STACKED
    ]
    if null is not None:
        for item, i in zip(bars, STACKED, strict=True):
            marked_bars(item, share[:, i].numpy(), null[:, i, 0], null[:, i, 1])
    return bars


def quadrant_fill(quadrant: int) -> Properties:
    """What a quadrant looks like."""
    return bar_marker(COLOURS[quadrant], is_striped=quadrant in NEGATIVE)
