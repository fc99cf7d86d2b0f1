"""Figure of the decision plane: every head by how much its weights and its OV circuit decide, tied to its null."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.deletion.decision_plane import BELOW_NULL, DecisionPlane
from headscope.interp.figures.deletion import head_names
from headscope.interp.figures.drawing.canvas import bar, canvas
from headscope.interp.figures.palette.colours import DEPTHS, GREY

NAMED = 6
SIDES = ("top center", "bottom center", "middle right", "middle left")
NEAR = 0.1


def decision_plane_figure(result: DecisionPlane) -> go.Figure:
    """Every head as a point, its null in grey at the other end of a thin line; those furthest from theirs are named."""
    layers = np.indices(tuple(result.dynamic.shape))[0].ravel()
    marker = {
        "color": layers,
        "colorscale": DEPTHS,
        "size": 10,
        "colorbar": {**bar("layer"), "dtick": 1 + layers.max() // 8},
    }
    axis = {"range": [-0.05, 1.05]}
    return canvas(
        replace(result.about, law=f"{result.about.law}. A head below its null: {BELOW_NULL}"),
        [
            _points(
                "null", result.dynamic_null, result.static_null, {"color": GREY, "symbol": "x-thin-open", "size": 7}
            ),
            _points("head", result.dynamic, result.static, marker),
            _ties(result),
            _names(result),
        ],
        xaxis={"title": "dynamic", **axis},
        yaxis={"title": "static", **axis},
    )


def _points(
    name: str, x: Float[Tensor, "layer head"], y: Float[Tensor, "layer head"], marker: dict[str, object]
) -> go.Scatter:
    hover = "%{text} %{fullData.name}<br>dynamic %{x:.3f}, static %{y:.3f}<extra></extra>"
    flat = {"x": x.flatten().numpy(), "y": y.flatten().numpy(), "text": head_names(x)}
    return go.Scatter(name=name, mode="markers", marker=marker, hovertemplate=hover, **flat)


def _ties(result: DecisionPlane) -> go.Scatter:
    """A line from every head to its null."""
    ends = (_on_plane(result.dynamic_null, result.static_null), _on_plane(result.dynamic, result.static))
    x, y = (np.stack([*(end[at] for end in ends), np.full_like(ends[0][at], np.nan)], -1).ravel() for at in (0, 1))
    return go.Scatter(x=x, y=y, mode="lines", line={"color": GREY, "width": 0.6}, hoverinfo="skip", showlegend=False)


def _names(result: DecisionPlane) -> go.Scatter:
    """The names of the few heads that are furthest from their nulls."""
    head = _on_plane(result.dynamic, result.static)
    apart = np.linalg.norm(head - _on_plane(result.dynamic_null, result.static_null), axis=0)
    furthest = np.argsort(-np.nan_to_num(apart))[:NAMED]
    return go.Scatter(
        x=head[0, furthest],
        y=head[1, furthest],
        text=head_names(result.dynamic)[furthest],
        mode="text",
        textposition=label_sides(head[:, furthest]),
        hoverinfo="skip",
        showlegend=False,
    )


def label_sides(points: Float[np.ndarray, "2 point"]) -> list[str]:
    """On which side of its point each name stands: names of points that are near each other take turns."""
    result: list[str] = []
    for at, point in enumerate(points.T):
        near = np.linalg.norm(points[:, :at].T - point, axis=1) < NEAR
        taken = {result[other] for other in np.flatnonzero(near)}
        result.append(next((side for side in SIDES if side not in taken), SIDES[0]))
    return result


def _on_plane(x: Float[Tensor, "layer head"], y: Float[Tensor, "layer head"]) -> Float[np.ndarray, "2 point"]:
    return np.stack([x.flatten().numpy(), y.flatten().numpy()])
