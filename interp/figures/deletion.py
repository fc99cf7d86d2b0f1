"""Figures of deletion and copying: quadrants, negative mass, contributions and their scatter."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from interp.deletion.attention_contribution import AttentionContribution
from interp.deletion.contributions import Contributions
from interp.deletion.negative_mass import NegativeMass
from interp.deletion.quadrants import QUADRANTS, Quadrants
from interp.figures.axes import token_axis, top_down
from interp.figures.canvas import SQUARE, canvas, escaped, head_name
from interp.figures.choice import choice
from interp.figures.colours import BLUE, fill
from interp.figures.heads import head_grid
from interp.figures.heatmaps import signed_heatmap

# Blue raises the attended token's logit, red lowers it; the pale, striped ones do so through a negative weight.
COLOURS, NEGATIVE = ("#2166ac", "#b2182b", "#f4a582", "#92c5de"), (2, 3)
STACKED = (0, 3, 1, 2)
PAIR = "%{y} ← %{x}<br>%{z:.4f}"


def quadrants_figure(found: Quadrants) -> go.Figure:
    """A bar of every head, split into the four quadrants, with a menu of heads, layers and the model.

    Pointing at a head gives the null.
    """
    null = torch.stack([found.share_null, found.share_null_spread], -1).flatten(0, 1).numpy()
    layers = np.array([f"layer {layer}" for layer in range(len(found.layer_share))])
    views = {
        "heads": quadrant_bars(head_names(found.share), found.share.flatten(0, 1), null),
        "layers": quadrant_bars(layers, found.layer_share),
        "model": quadrant_bars(np.array(["all heads"]), found.model_share[None]),
    }
    bars = [one.update(visible=view == "heads") for view, of_view in views.items() for one in of_view]
    axes = {"yaxis": {"range": [0, 1], "title": "share"}}
    return canvas(found.about, bars, "share", barmode="stack", **axes, **choice(list(views), len(QUADRANTS)))


def quadrant_bars(
    names: np.ndarray,
    share: Float[Tensor, "group quadrant"],
    null: Float[np.ndarray, "group quadrant 2"] | None = None,
) -> list[go.Bar]:
    """A bar of every group; null: its mean and standard deviation."""
    said = "" if null is None else "<br>null %{customdata[0]:.3f} ± %{customdata[1]:.3f}"
    return [
        go.Bar(
            name=QUADRANTS[i],
            x=names,
            y=share[:, i].numpy(),
            customdata=None if null is None else null[:, i],
            marker=quadrant_fill(i),
            hovertemplate=f"%{{x}} %{{fullData.name}}<br>%{{y:.3f}}{said}<extra></extra>",
        )
        for i in STACKED
    ]


def quadrant_fill(quadrant: int) -> dict[str, Any]:
    """What a quadrant looks like."""
    return fill(COLOURS[quadrant], is_striped=quadrant in NEGATIVE)


def negative_mass_figure(found: NegativeMass) -> go.Figure:
    """The minority mass by head, which no gauge changes; pointing at it gives the other numbers."""
    return head_grid(found, "minority_mass", beside=("negative_mass", "signed_sum", "cancellation"))


def contributions_figure(found: Contributions) -> go.Figure:
    """C of one head over the tokens; a menu where there are several heads."""
    names = found.labels["head"]
    tokens = found.labels.get("source", tuple(map(str, range(found.contribution.shape[-1]))))
    maps = [signed_heatmap(one, PAIR).update(visible=i == 0) for i, one in enumerate(found.contribution)]
    return canvas(
        found.about,
        maps,
        "contribution",
        tall=SQUARE,
        xaxis=token_axis(tokens, title=f"source ({names[0]})" if len(maps) == 1 else "source"),
        yaxis=top_down(**token_axis(tokens, title="destination")),
        **choice(names),
    )


def attention_contribution_figure(found: AttentionContribution, head: tuple[int, int] | None = None) -> go.Figure:
    """The points of one head, that of the largest |r| unless named, with its r and the null of |r|."""
    layer, index = head or divmod(int(found.strength.nan_to_num().argmax()), found.strength.shape[1])
    r, null, spread = (
        float(one[layer, index]) for one in (found.correlation, found.strength_null, found.strength_null_spread)
    )
    x, y = (one[layer, index].numpy() for one in (found.attention, found.contribution))
    text = np.array([escaped(one) for one in found.labels.get("point", ("",) * len(x))], dtype=object)
    points = go.Scatter(
        x=x,
        y=y,
        text=text,
        mode="markers",
        marker_color=BLUE,
        hovertemplate="%{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    )
    said = f"attention of {head_name(layer, index)}: r = {r:.3f}, null of |r| {null:.3f} ± {spread:.3f}"
    return canvas(found.about, [points], "correlation", xaxis={"title": said}, yaxis={"title": "contribution"})


def head_names(values: Float[Tensor, "layer head ..."]) -> np.ndarray:
    """L0H0, L0H1, … in order."""
    layers, heads = values.shape[:2]
    return np.array([head_name(layer, head) for layer in range(layers) for head in range(heads)])
