"""Heatmaps: zero is white and the largest magnitude darkest, so that the sign of a value is its hue.

A scale from 0 is the blue half of one about 0: a value has the same colour on both.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.figures.palette.colours import POSITIVE, SIGNED

Grid = Float[Tensor, "row column"] | Float[np.ndarray, "row column"]


def signed_heatmap(values: Grid, hover: str, text: np.ndarray | None = None) -> go.Heatmap:
    """A heatmap whose range is symmetric about 0; hover is a plotly template over %{x}, %{y}, %{z}, %{text}."""
    array = np.asarray(values, dtype=np.float32)
    trace = go.Heatmap(
        x=np.arange(array.shape[1]),
        y=np.arange(array.shape[0]),
        z=array,
        text=text,
        hovertemplate=f"{hover}<extra></extra>",
    )
    return ranging(trace, -peak(trace), peak(trace))


def heatmap(values: Grid, hover: str, text: np.ndarray | None = None) -> go.Heatmap:
    """The same of values that may have one sign only: from 0 where none of them is negative."""
    trace = signed_heatmap(values, hover, text)
    return trace if np.nanmin(z_of(trace), initial=0.0) < 0 else ranging(trace, 0.0, peak(trace))


def ranging(trace: go.Heatmap, low: float, high: float) -> go.Heatmap:
    """The heatmap over this range, with the colours of its signs."""
    return trace.update(zmin=low, zmax=high, colorscale=SIGNED if low < 0 else POSITIVE)


def share_range(traces: Sequence[go.Heatmap]) -> None:
    """Give heatmaps one range, over all of their ranges; one of zeros has no say."""
    words = [trace for trace in traces if np.nan_to_num(z_of(trace)).any()] or traces
    lows, highs = np.array([[trace.zmin, trace.zmax] for trace in words], dtype=float).T.tolist()
    low = min(lows)
    high = max(-low, *highs)
    for trace in traces:
        ranging(trace, -high if low < 0 else low, high)


def peak(trace: go.Heatmap) -> float:
    """The largest magnitude; 1 where there is none."""
    return float(np.nanmax(np.abs(z_of(trace)), initial=0.0)) or 1.0


def z_of(trace: go.Heatmap) -> Float[np.ndarray, "row column"]:
    """What is drawn."""
    return np.asarray(trace.z, dtype=float)
