"""Figures of dispersion: numbers of every head, and their largest share by the number of keys below its bound."""

import numpy as np
import plotly.graph_objects as go

from headscope.interp.collapse.tokens.dispersion import Dispersion
from headscope.interp.collapse.tokens.dispersion_curves import DispersionCurves
from headscope.interp.figures.drawing.axes import log_axis
from headscope.interp.figures.drawing.canvas import GAUGE, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.heads import head_axes, head_heatmap
from headscope.interp.figures.palette.colours import DASHED, LINES
from headscope.interp.results.head_score import head_name

MEASURES = {
    "half_at": "keys among which half is the most, log₁₀",
    "spread": "spread of ln|a|",
    "tightness": "share of the bound",
    "score_spread": "spread of the scores",
    "off_exponential": "off an exponential of the scores",
}


def dispersion_figure(result: Dispersion) -> go.Figure:
    """One number of every head; pointing at a head gives its null where there is one."""
    first = next(iter(MEASURES))
    traces = [head_heatmap(result, name, visible=name == first) for name in MEASURES]
    gauge = result.about.gauge_dependent
    names = [words + (f" ({GAUGE})" if name in gauge else "") for name, words in MEASURES.items()]
    return canvas(result.about, traces, first, **head_axes(), **menu_layout(names))


def dispersion_curves_figure(result: DispersionCurves) -> go.Figure:
    """A layer's heads over n, each with its bound dotted; the null of all its heads dashed; a menu of layers."""
    layers, heads, _ = result.largest.shape
    lines = [line for layer in range(layers) for line in layer_lines(result, layer)]
    reached = np.concatenate([np.asarray(line.y) for line in lines])
    axes = {
        "xaxis": log_axis(np.array(result.lengths), title="keys that a row sees"),
        "yaxis": log_axis(reached, title="largest share"),
    }
    menu = menu_layout([f"layer {layer}" for layer in range(layers)], 2 * heads + 1)
    return canvas(result.about, lines, "largest", showlegend=True, **axes, **menu)


def layer_lines(result: DispersionCurves, layer: int) -> list[go.Scatter]:
    """The lines of a layer."""
    lines: list[go.Scatter] = []
    for head, (largest, bound) in enumerate(zip(result.largest[layer], result.bound[layer], strict=True)):
        colour, name = LINES[head % len(LINES)], head_name(layer, head)
        lines.append(curve(result, largest.numpy(), name, line={"color": colour}, mode="lines+markers"))
        dotted = {"color": colour, "dash": "dot", "width": 1}
        lines.append(curve(result, bound.numpy(), f"{name}, bound", line=dotted, mode="lines", showlegend=False))
    null = result.largest_null[layer].nanmean(0).numpy()
    lines.append(curve(result, null, "null", line=DASHED, mode="lines"))
    return [line.update(visible=layer == 0) for line in lines]


def curve(result: DispersionCurves, values: np.ndarray, name: str, **style: object) -> go.Scatter:
    """One line over n."""
    hover = f"{name}<br>n = %{{x:.4g}}<br>%{{y:.4f}}<extra></extra>"
    return go.Scatter(x=np.array(result.lengths), y=values, name=name, hovertemplate=hover, **style)
