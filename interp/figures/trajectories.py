"""Figures of trajectories: a line per run over its steps, on a logarithmic axis."""

import numpy as np
import plotly.graph_objects as go

from headscope.interp.figures.drawing.axes import log_axis
from headscope.interp.figures.drawing.canvas import GAUGE, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.palette.colours import CHOSEN, line_style
from headscope.interp.trajectories.trajectory import Trajectory

BEFORE_THE_FIRST = 0.5  # where a logarithmic axis shows step 0


def trajectory_figure(result: Trajectory) -> go.Figure:
    """A line per run; several measures have a menu, marked where they depend on the gauge. Warnings stand above."""
    measures = result.labels["measure"]
    names = [in_words(item) + (f" ({GAUGE})" if item in result.gauge_dependent else "") for item in measures]
    traces = [line(result, measure, run) for measure in range(len(measures)) for run in range(len(result.runs))]
    warnings = [{"text": escaped(" · ".join(result.warnings)), "x": 0, "y": 1, "xref": "paper", "yref": "paper"}]
    return canvas(
        result.about,
        traces,
        xaxis=log_axis(np.maximum(result.step.numpy(), BEFORE_THE_FIRST), title="step"),
        yaxis={"title": names[0] if len(names) == 1 else "", "zeroline": True},
        showlegend=True,
        annotations=[{**warning, "showarrow": False, "yanchor": "bottom"} for warning in warnings if result.warnings],
        **menu_layout(names, len(result.runs)),
    )


def in_words(measure: str) -> str:
    """A measure, analysis.field.label or any other name, without its underscores."""
    return escaped(measure.replace("_", " ").replace(".", " · "))


def line(result: Trajectory, measure: int, run: int) -> go.Scatter:
    """One measure of one run."""
    of_run = (result.run == run).numpy()
    steps = result.step.numpy()[of_run]
    prints = [escaped(item[:12]) for item, mine in zip(result.fingerprint, of_run, strict=True) if mine]
    return go.Scatter(
        x=np.maximum(steps, BEFORE_THE_FIRST),
        y=result.value[:, measure].numpy()[of_run],
        customdata=np.stack([steps.astype(object), np.array(prints, dtype=object)], -1),
        mode="lines+markers",
        connectgaps=True,
        line=line_style(run),
        name=escaped(result.runs[run]),
        visible=measure == 0,
        hovertemplate="step %{customdata[0]}<br>%{y:.4f}"
        + ("<br>model %{customdata[1]}" if any(prints) else "")
        + f"<extra>{escaped(result.runs[run])}</extra>",
    )


def with_step(figure: go.Figure, step: int) -> go.Figure:
    """The same with a line across it at one step."""
    x = max(step, BEFORE_THE_FIRST)
    return figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line={**CHOSEN, "dash": "dot"})
