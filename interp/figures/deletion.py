"""Figures of deletion and copying: negative mass, contributions and their scatter."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.deletion.attention_contribution import AttentionContribution
from headscope.interp.deletion.contributions import Contributions
from headscope.interp.deletion.negative_mass import NegativeMass
from headscope.interp.figures.drawing.axes import token_axis, top_down
from headscope.interp.figures.drawing.canvas import SQUARE, canvas, escaped, head_name
from headscope.interp.figures.drawing.choice import choice
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.figures.heads import head_grid
from headscope.interp.figures.palette.colours import BLUE

PAIR = "%{y} ← %{x}<br>%{z:.4f}"


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
