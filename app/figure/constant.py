"""Constant figure: a grid whose cells are all the same says nothing, and a sentence stands in its place."""

from collections.abc import Iterable

import numpy as np
import plotly.graph_objects as go

from headscope.interp.figures.drawing.parts import figure_traces
from headscope.models.attention import VARIANTS


def constant_value(figure: go.Figure) -> float | None:
    """The number in all cells of a figure of heatmaps, where there are several cells and none differs; else None.

    Rings that mark a cell and cannot be pointed at are no part of what is drawn.
    """
    drawn = [trace for trace in figure_traces(figure) if trace["hoverinfo"] != "none"]
    if not drawn or not all(isinstance(trace, go.Heatmap) for trace in drawn):
        return None
    cells = np.concatenate([np.asarray(trace["z"], dtype=float).ravel() for trace in drawn])
    if cells.size and np.isnan(cells).all():
        return np.nan  # every cell is bound to its null
    cells = cells[~np.isnan(cells)]
    return float(cells[0]) if len(cells) > 1 and np.allclose(cells, cells[0], atol=1e-6) else None


def does_not_apply(value: float, why: str) -> str:
    """The sentence; why: the end of it, or nothing."""
    what = "nothing but its null is possible in any cell" if np.isnan(value) else f"this is {value:.4g} in every cell"
    return f"Does not apply: {what}" + (f", because {why}." if why else ".")


def no_sign(layer_variants: Iterable[str]) -> str:
    """Why numbers about signs cannot differ in a model of such layers, where that is so."""
    variants = dict.fromkeys(filter(None, layer_variants))
    if not all(name in VARIANTS and VARIANTS[name].non_negative for name in variants):
        return ""
    return f"the weights of {' and '.join(variants)} attention are never negative"
