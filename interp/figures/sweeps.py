"""Figures of sweeps: a curve of every checkpoint, darker the later it is."""

import plotly.graph_objects as go

from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.palette.colours import DASHED, depth_colour
from headscope.interp.trajectories.checkpoint_curves import CheckpointCurves


def checkpoint_curves_figure(result: CheckpointCurves) -> go.Figure:
    """A line per checkpoint, in their order; dashed and grey: its null."""
    places = [escaped(name) for name in result.labels["place"]]
    names = [escaped(name) for name in result.labels["checkpoint"]]
    lines = [
        go.Scatter(
            x=places,
            y=row.numpy(),
            name=name,
            mode="lines+markers",
            line={"color": depth_colour(at, len(names)), "width": 2},
            hovertemplate=f"{name}<br>%{{x}}<br>%{{y:.4g}}<extra></extra>",
        )
        for at, (name, row) in enumerate(zip(names, result.value, strict=True))
    ]
    nulls = [
        go.Scatter(
            x=places,
            y=row.numpy(),
            mode="lines",
            line=DASHED,
            opacity=0.4,
            name="null",
            showlegend=at == 0,
            hovertemplate=f"null of {name}<br>%{{x}}<br>%{{y:.4g}}<extra></extra>",
        )
        for at, (name, row) in enumerate(zip(names, result.value_null, strict=True))
        if not row.isnan().all()
    ]
    return canvas(result.about, [*nulls, *lines], xaxis={"title": "", "type": "category"}, showlegend=True)
