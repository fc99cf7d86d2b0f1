"""Figures of deletion and copying: negative mass, contributions and their scatter."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.corpus.head_passages import HeadPassages
from headscope.interp.deletion.attention_contribution import AttentionContribution
from headscope.interp.deletion.contributions import Contributions
from headscope.interp.deletion.negative_mass import NegativeMass
from headscope.interp.figures.drawing.axes import token_axis
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.head_pattern import maps_by_head
from headscope.interp.figures.heads import head_grid
from headscope.interp.figures.palette.colours import BLUE, bar_marker
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.head_score import head_name


def negative_mass_figure(result: NegativeMass) -> go.Figure:
    """The minority mass by head, which no gauge changes; pointing at it gives the other numbers."""
    return head_grid(result, "minority_mass", others=("negative_mass", "signed_sum", "cancellation"))


def contributions_figure(result: Contributions) -> go.Figure:
    """C of one head over the tokens; a menu where there are several heads."""
    return maps_by_head(result, result.contribution, "contribution")


def attention_contribution_figure(result: AttentionContribution, head: tuple[int, int] | None = None) -> go.Figure:
    """The points of one head, that of the largest |r| unless named, with its r and the null of |r|."""
    layer, index = head or divmod(int(result.strength.nan_to_num().argmax()), result.strength.shape[1])
    r, null, spread = (
        float(item[layer, index]) for item in (result.correlation, result.strength_null, result.strength_null_spread)
    )
    x, y = (item[layer, index].numpy() for item in (result.attention, result.contribution))
    text = np.array([escaped(item) for item in result.labels.get("point", ("",) * len(x))], dtype=object)
    points = go.Scatter(
        x=x,
        y=y,
        text=text,
        mode="markers",
        marker_color=BLUE,
        hovertemplate="%{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    )
    words = f"attention of {head_name(layer, index)}: r = {r:.3f}, null of |r| {null:.3f} ± {spread:.3f}"
    return canvas(result.about, [points], "correlation", xaxis={"title": words}, yaxis={"title": "contribution"})


def head_names(values: Float[Tensor, "layer head ..."]) -> np.ndarray:
    """L0H0, L0H1, … in order."""
    layers, heads = values.shape[:2]
    return np.array([head_name(layer, head) for layer in range(layers) for head in range(heads)])


def head_passages_figure(result: HeadPassages) -> go.Figure:
    """The number of the head in each passage as a bar, that of the model's other heads there as a point."""
    at = np.arange(len(result.value))
    null, spread = result.value_null.numpy(), result.value_null_spread.numpy()
    bars = go.Bar(
        name=result.head,
        x=at,
        y=result.value.numpy(),
        width=0.8,
        marker=bar_marker(BLUE),
        hovertemplate="%{x}: %{y:.4f}<extra></extra>",
    )
    others = go.Scatter(
        name="other heads",
        x=at,
        y=null,
        mode="markers",
        text=np.array([f"± {width:.4f}" for width in spread], dtype=object),
        hovertemplate="other heads %{y:.4f} %{text}<extra></extra>",
    )
    axes: Properties = {"xaxis": token_axis(result.labels["passage"]), "yaxis": {"title": result.about.unit}}
    return canvas(result.about, [bars, others], "value", **axes)
