"""Figures of detectors: grids of layers by heads, one detector and one reading at a time."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from interp.detectors.copying import PromptCopying
from interp.detectors.scores import DetectorScores
from interp.figures.canvas import GAUGE, canvas, escaped, signed_heatmap, top_down
from interp.figures.choice import choice
from interp.result import Result

READINGS = ("share", "signed", "sign")
PAIR = ("copying", "suppression")


def detectors_figure(result: DetectorScores) -> go.Figure:
    """A menu of detectors and readings; pointing at a head gives the null."""
    names, traces = [], []
    for reading in READINGS:
        for index, detector in enumerate(result.labels["detector"]):
            names.append(f"{detector}: {reading}{f' ({GAUGE})' if reading in result.about.gauge_dependent else ''}")
            traces.append(grid(result, reading, index, name=detector, visible=not traces))
    return canvas(result.about, traces, **heads(), **choice(names))


def prompt_copying_figure(result: PromptCopying) -> go.Figure:
    """Copying, or suppression, of every head."""
    traces = [grid(result, name, name=name, visible=name == PAIR[0]) for name in PAIR]
    return canvas(result.about, traces, **heads(), **choice(PAIR))


def grid(result: Result, field: str, *index: int, name: str = "", visible: bool = True) -> go.Heatmap:
    """One field of a result by layer and head, its null and spread in the hover text where there are any."""
    tensors = result.tensors()
    values, null, spread = (
        tensors[key][index] if key in tensors else None for key in (field, f"{field}_null", f"{field}_null_spread")
    )
    assert values is not None
    hover = "layer %{y}, head %{x}<br>" + escaped(" ".join((name, field)).strip()) + " %{z:.4f}"
    words = null_words(null, spread)
    trace = signed_heatmap(values, hover + ("<br>null %{text}" if words is not None else ""), words)
    return trace.update(visible=visible, name=name or field)


def null_words(
    null: Float[Tensor, "layer head"] | None, spread: Float[Tensor, "layer head"] | None
) -> np.ndarray | None:
    """Mean ± standard deviation of the null of every head, or its mean alone."""
    if null is None:
        return None
    means = np.array([[f"{one:.4f}" for one in row] for row in null.tolist()], dtype=object)
    if spread is None:
        return means
    return means + np.array([[f" ± {one:.4f}" for one in row] for row in spread.tolist()], dtype=object)


def heads() -> dict[str, dict[str, object]]:
    """The axes of a grid of heads."""
    return {"xaxis": {"title": "head", "dtick": 1}, "yaxis": top_down(title="layer", dtick=1)}
