"""Figures of patch attention: one head's weights beside the image that it read, and all heads as thumbnails."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from headscope.interp.diffusion.denoising_run import BEFORE_PATCHES
from headscope.interp.diffusion.patch_attention import PatchAttention
from headscope.interp.figures.drawing.canvas import bar, canvas
from headscope.interp.figures.drawing.heatmaps import heatmap, share_range
from headscope.interp.figures.palette.colours import CHOSEN, RIM
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.figures.vision.images import image_trace
from headscope.interp.results.head_score import head_name
from headscope.models.uvit.tokens import EXTRA

LEFT, MIDDLE, RIGHT = (0, 0.4), (0.46, 0.86), (0.95, 1)  # of the width: image, patches, class and time
BARE = {"showticklabels": False, "showgrid": False, "zeroline": False, "showline": True, "mirror": True}
GAP = 1  # cells between two thumbnails


def patch_attention_figure(result: PatchAttention, layer: int = 0, head: int = 0) -> go.Figure:
    """The noisy image with the query framed, and the weights of its patches, class and time token."""
    weights, before = result.weight[layer, head], result.before_patches[layer, head]
    cells = heatmap(weights, "patch %{y},%{x}<br>weight %{z:.4f}")
    others = heatmap(before[:, None], "%{y} token<br>weight %{z:.4f}").update(y=list(BEFORE_PATCHES))
    share_range([cells, others])
    for trace, axes in ((cells, "2"), (others, "3")):
        trace.update(xaxis=f"x{axes}", yaxis=f"y{axes}", showscale=axes == "3")
    others.colorbar = bar(result.about.unit)
    flipped = {**BARE, "autorange": "reversed", "constrain": "domain"}
    layout: Properties = {
        "xaxis": {**BARE, "domain": LEFT, "constrain": "domain", "title": f"timestep {result.timestep}"},
        "xaxis2": {**BARE, "domain": MIDDLE, "constrain": "domain", "title": f"{head_name(layer, head)}: patches"},
        "xaxis3": {**BARE, "domain": RIGHT},
        "yaxis": {**flipped, "scaleanchor": "x"},
        "yaxis2": {**flipped, "scaleanchor": "x2", "anchor": "x2"},
        "yaxis3": {"autorange": "reversed", "anchor": "x3", "showgrid": False, "tickangle": 0},
    }
    figure = canvas(result.about, [image_trace(result.image.numpy()), cells, others], "weight", **layout)
    return framed(figure, result)


def framed(figure: go.Figure, result: PatchAttention) -> go.Figure:
    """A frame around the query where it is a patch."""
    if result.query < EXTRA:
        return figure.update_layout(xaxis_title=f"timestep {result.timestep}; query: {BEFORE_PATCHES[result.query]}")
    side, size = result.weight.shape[-1], result.image.shape[-1] // result.weight.shape[-1]
    row, column = divmod(result.query - EXTRA, side)
    for axes, unit in (("", size), ("2", 1)):
        low, high = (column * unit - 0.5, row * unit - 0.5), ((column + 1) * unit - 0.5, (row + 1) * unit - 0.5)
        place = {"x0": low[0], "y0": low[1], "x1": high[0], "y1": high[1], "xref": f"x{axes}", "yref": f"y{axes}"}
        for line in (RIM, CHOSEN):
            figure.add_shape(type="rect", line=line, **place)
    return figure


def heads_on_patches_figure(result: PatchAttention) -> go.Figure:
    """All heads as thumbnails of the patches, layers top to bottom, on one range."""
    layers, heads, side, _ = result.weight.shape
    cells, names = thumbnails(result.weight.numpy())
    trace = heatmap(cells, "%{text}<br>weight %{z:.4f}", names).update(hoverongaps=False)
    middle, step = (side - 1) / 2, side + GAP
    ticks = {"tickmode": "array", "showgrid": False, "zeroline": False}
    layout: Properties = {
        "xaxis": {**ticks, "tickvals": [middle + step * head for head in range(heads)], "title": "head"},
        "yaxis": {**ticks, "tickvals": [middle + step * layer for layer in range(layers)], "title": "block"},
    }
    layout["xaxis"] |= {"ticktext": list(range(heads)), "constrain": "domain"}
    layout["yaxis"] |= {"ticktext": list(range(layers)), "autorange": "reversed", "scaleanchor": "x"}
    figure = canvas(result.about, [trace], "weight", tall=60 * layers, **layout)
    return figure.update_layout(plot_bgcolor="rgba(0,0,0,0)")


def thumbnails(
    weight: Float[np.ndarray, "layer head row column"],
) -> tuple[Float[np.ndarray, "down across"], np.ndarray]:
    """The patches of every head as one grid with gaps of no number, and the name of every cell's head."""
    layers, heads, side, _ = weight.shape
    cells = np.full((layers * (side + GAP) - GAP, heads * (side + GAP) - GAP), np.nan, dtype=np.float32)
    names = np.full(cells.shape, "", dtype=object)
    for layer, head in np.ndindex(layers, heads):
        place = tuple(slice(at * (side + GAP), at * (side + GAP) + side) for at in (layer, head))
        cells[place], names[place] = weight[layer, head], head_name(layer, head)
    return cells, names
