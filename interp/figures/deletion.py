"""Figures of deletion and copying: quadrants, negative mass, contributions and their scatter."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from interp.deletion.attention_contribution import AttentionContribution
from interp.deletion.contributions import Contributions
from interp.deletion.negative_mass import NegativeMass
from interp.deletion.quadrants import QUADRANTS, Quadrants
from interp.figures.canvas import SQUARE, canvas, escaped, head_name, signed_heatmap, token_ticks, top_down
from interp.figures.choice import choice
from interp.figures.colours import BLUE
from interp.figures.heads import head_grid

# Blue raises the attended token's logit, red lowers it; the pale ones do so through a negative weight.
COLOURS = ("#2166ac", "#b2182b", "#f4a582", "#92c5de")


def quadrants_figure(found: Quadrants) -> go.Figure:
    """A bar of every head, split into the four quadrants; pointing at it gives the null."""
    names = head_names(found.share)
    null, spread = (one.flatten(0, 1).numpy() for one in (found.share_null, found.share_null_spread))
    bars = [
        go.Bar(
            name=QUADRANTS[i],
            x=names,
            y=found.share[..., i].flatten().numpy(),
            customdata=np.stack([null[:, i], spread[:, i]], -1),
            marker_color=COLOURS[i],
            hovertemplate="%{x} %{fullData.name}<br>%{y:.3f}<br>null %{customdata[0]:.3f} ± %{customdata[1]:.3f}"
            "<extra></extra>",
        )
        for i in (0, 3, 1, 2)
    ]
    return canvas(found.about, bars, "share", barmode="stack", yaxis={"range": [0, 1], "title": "share"})


def negative_mass_figure(found: NegativeMass) -> go.Figure:
    """The minority mass by head, which no gauge changes; pointing at it gives the other numbers."""
    return head_grid(found, "minority_mass", beside=("negative_mass", "signed_sum", "cancellation"))


def contributions_figure(found: Contributions) -> go.Figure:
    """C of one head over the tokens; a menu where there are several heads."""
    names = found.labels["head"]
    count = found.contribution.shape[-1]
    tokens = [escaped(one) for one in found.labels.get("source", tuple(map(str, range(count))))]
    pairs = np.array([[f"{d} ← {s}" for s in tokens] for d in tokens], dtype=object)
    maps = [signed_heatmap(one, "%{text}<br>%{z:.4f}", pairs) for one in found.contribution]
    for i, one in enumerate(maps):
        one.visible = i == 0
    ticks = token_ticks(found.labels.get("source", tokens))
    return canvas(
        found.about,
        maps,
        "contribution",
        tall=SQUARE,
        xaxis={"title": f"source ({names[0]})" if len(maps) == 1 else "source", **ticks},
        yaxis=top_down(title="destination", **ticks),
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
