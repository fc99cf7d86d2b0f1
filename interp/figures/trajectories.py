"""Figures of trajectories: lines over steps, curves of checkpoints, and a head's attention at every snapshot, small."""

import math

import numpy as np
import plotly.graph_objects as go
import torch
from torch.nn.functional import pad

from headscope.interp.figures.drawing.axes import log_axis, top_down
from headscope.interp.figures.drawing.canvas import GAUGE, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import peak, signed_heatmap
from headscope.interp.figures.drawing.parts import figure_layout
from headscope.interp.figures.palette.colours import CHOSEN, DASHED, depth_colour, line_style
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.trajectories.checkpoint_curves import CheckpointCurves
from headscope.interp.trajectories.snapshot_patterns import HeadSnapshots
from headscope.interp.trajectories.trajectory import Trajectory

BEFORE_THE_FIRST = 0.5  # where a logarithmic axis shows step 0
MOST_COLUMNS, TALL, BELOW = 6, 150, 12  # pictures in a row; pixels of a row, and below the last
BARE: Properties = {"showticklabels": False, "ticks": ""}


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


def head_snapshots_figure(result: HeadSnapshots) -> go.Figure:
    """The pictures in their order, row by row, on one range; a square root of weights tells small ones apart."""
    count, side, _ = result.pattern.shape
    rows, columns = mosaic_shape(count)
    gap = max(1, side // 8)
    blank = result.pattern.new_full((rows * columns - count, side, side), torch.nan)
    bordered = pad(torch.cat([result.pattern, blank]), (0, gap, gap, 0), value=torch.nan)
    weights = bordered.unflatten(0, (rows, columns)).permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy()
    cells = signed_heatmap(np.sign(weights) * np.sqrt(np.abs(weights)), "weight %{text}", None)
    cells.update(text=np.char.mod("%.4f", weights), colorbar=root_bar(peak(cells)), hoverongaps=False)
    figure = canvas(
        result.about,
        [cells],
        "pattern",
        tall=TALL * rows,
        xaxis={**BARE, "constrain": "domain", "range": [-gap, weights.shape[1]]},
        yaxis=top_down(**BARE, scaleanchor="x", constrain="domain", autorange=False, range=[weights.shape[0], -1]),
        annotations=[
            {"text": escaped(name), "x": x, "y": y - side / 2 - 0.5, "showarrow": False, "xanchor": "center"}
            | {"yanchor": "bottom", "font": {"size": 11}}
            for name, (x, y) in zip(result.labels["snapshot"], picture_middles(count, side), strict=True)
        ],
    )
    layout = figure_layout(figure)
    return figure.update_layout(height=layout.height - layout.margin.b + BELOW, margin_b=BELOW)


def mosaic_shape(count: int) -> tuple[int, int]:
    """Rows and columns of so many pictures: as few rows as there can be, evenly filled."""
    rows = math.ceil(count / MOST_COLUMNS)
    return rows, math.ceil(count / rows)


def picture_middles(count: int, side: int) -> list[tuple[float, float]]:
    """Where the middle of every picture is, across and down."""
    columns, gap, half = mosaic_shape(count)[1], max(1, side // 8), (side - 1) / 2
    places = [divmod(at, columns) for at in range(count)]
    return [(column * (side + gap) + half, row * (side + gap) + gap + half) for row, column in places]


def root_bar(top: float) -> Properties:
    """A colour bar that says weights where the colours are their square roots."""
    at = np.array([-1, -0.5, 0, 0.5, 1]) * top
    return {
        "tickmode": "array",
        "tickvals": at,
        "ticktext": [f"{item * abs(item):+.2g}" if item else "0" for item in at],
    }


def with_chosen_snapshot(result: HeadSnapshots, at: int) -> go.Figure:
    """The figure with a frame around one picture, and a point on each that can be chosen."""
    count, side, _ = result.pattern.shape
    middles = picture_middles(count, side)
    (x, y), half = middles[at], side / 2 + 0.5
    points = go.Scatter(
        x=[place[0] for place in middles],
        y=[place[1] for place in middles],
        mode="markers",
        marker={"size": 70, "symbol": "square", "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        customdata=list(result.labels["snapshot"]),
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    frame = {"type": "rect", "x0": x - half, "x1": x + half, "y0": y - half, "y1": y + half, "line": CHOSEN}
    return head_snapshots_figure(result).add_trace(points).add_shape(**frame)


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
