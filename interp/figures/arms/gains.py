"""Figure of what each arm of an experiment buys: its gain over the base against its cost, its name beside it."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.basedatatypes import BaseTraceType

from headscope.interp.arms.arm_gains import ArmGains
from headscope.interp.figures.decision_plane import label_sides
from headscope.interp.figures.drawing.axes import log_axis
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.palette.colours import BLUE, CHANCE, GREY, RED

TALL = 460  # room for the names of a dozen arms
LEFT, RIGHT = 0.12, 0.22  # of the axis, for the names of the outermost
# Across from an error bar, which a name above or below its mark would be struck through by.
BESIDE = {
    "top center": "middle right",
    "bottom center": "middle left",
    "middle right": "top center",
    "middle left": "bottom center",
}


def arm_gains_figure(result: ArmGains) -> go.Figure:
    """A mark per arm at the means over its seeds, with the standard deviation of the gain; the base's line dashed."""
    gain, cost = (item.numpy().astype(float) for item in (result.gain, result.cost))
    is_measured = (np.isfinite(gain) & np.isfinite(cost)).any(1)
    traces = [arm_trace(result, np.flatnonzero(is_measured), gain, cost)]
    across = np.log10(cost[is_measured])
    low, high = (np.nanmin(across), np.nanmax(across)) if across.size else (0.0, 1.0)
    wide = high - low or 1.0
    axes = {
        "xaxis": {
            **log_axis(cost[is_measured], title=escaped(result.cost_title)),  # a cost is a factor
            "range": [low - LEFT * wide, high + RIGHT * wide],
            "zeroline": False,
        },
        "yaxis": {"title": result.about.unit, "zeroline": False},
    }
    return canvas(result.about, traces, "gain", TALL, showlegend=False, **axes).add_hline(y=0, line=CHANCE)


def arm_trace(
    result: ArmGains,
    at: np.ndarray,
    gain: Float[np.ndarray, "arm seed"],
    cost: Float[np.ndarray, "arm seed"],
) -> BaseTraceType:
    """The arms that were measured: blue where the mean gain is above 0, red below, grey the base."""
    names = [result.labels["arm"][place] for place in at]
    means = [np.array([np.nanmean(item[place]) for place in at]) for item in (cost, gain)]
    spread = np.array([deviation(gain[place]) for place in at])
    colours = [GREY if name == result.base else BLUE if y > 0 else RED for name, y in zip(names, means[1], strict=True)]
    return go.Scatter(
        x=means[0],
        y=means[1],
        error_y={"type": "data", "array": spread, "color": GREY, "thickness": 1},
        text=[escaped(name) for name in names],
        textposition=[BESIDE[side] for side in label_sides(scaled(np.stack([np.log10(means[0]), means[1]])))]
        if names
        else [],
        customdata=spread,
        mode="markers+text",
        marker={"color": colours, "size": 10},
        hovertemplate="%{text}<br>cost %{x:.3g}<br>gain %{y:.4g} ± %{customdata:.2g}<extra></extra>",
    )


def deviation(sample: Float[np.ndarray, "seed"]) -> float:
    """The standard deviation over the seeds that were measured; 0 for one alone."""
    known = sample[np.isfinite(sample)]
    return float(known.std(ddof=1)) if len(known) > 1 else 0.0


def scaled(points: Float[np.ndarray, "2 point"]) -> Float[np.ndarray, "2 point"]:
    """The points in a square of side 1, by which names that are near each other are told."""
    low, high = points.min(1, keepdims=True), points.max(1, keepdims=True)
    return (points - low) / np.where(high > low, high - low, 1)
