"""Figure of the points of an experiment's arms: a colour and a shape per arm."""

import plotly.graph_objects as go

from headscope.interp.arms.arm_points import ArmPoints
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.palette.colours import LINES

SHAPES = ("circle", "x", "square", "diamond-open", "triangle-up")


def arm_points_figure(result: ArmPoints) -> go.Figure:
    """Every arm's points; those of an arm can be hidden in the legend."""
    names = [escaped(label) for label in result.labels["arm"]]
    traces = [
        go.Scatter(
            x=result.x[at].numpy(),
            y=result.y[at].numpy(),
            mode="markers",
            name=name,
            marker={"color": LINES[at % len(LINES)], "symbol": SHAPES[at % len(SHAPES)], "size": 8, "opacity": 0.6},
            hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        )
        for at, name in enumerate(names)
    ]
    return canvas(result.about, traces, "y", xaxis={"title": result.x_title}, yaxis={"title": result.y_title})
