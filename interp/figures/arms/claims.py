"""The forest plot of claims: a line each, its interval beside 0, its bound and ± its margin."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.basedatatypes import BaseTraceType

from headscope.interp.arms.claim_intervals import ClaimIntervals
from headscope.interp.figures.drawing.canvas import canvas, escaped
from headscope.interp.figures.palette.answers import ANSWERS
from headscope.interp.figures.palette.colours import CHANCE, HOLE
from headscope.interp.figures.palette.properties import Properties

ROW, ROOM = 21, 1.14  # pixels of a claim; how much further than the intervals the axis goes
WORDS = 1.9  # room for the answer beside them, in units of the axis
TICKS = (1, 3, 10, 30, 100, 300, 1000)
Places = Float[np.ndarray, "claim"]


def forest_figure(result: ClaimIntervals) -> go.Figure:
    """A row per claim; the axis grows like a logarithm on both sides, as arsinh does."""
    names = [escaped(name) for name in result.labels["claim"]]
    rows = np.arange(len(names), dtype=float)
    ends = np.arcsinh(np.stack([item.numpy().astype(float) for item in (result.low, result.high, result.bound[:, 0])]))
    low, high = ROOM * min(float(np.nanmin(ends)), -1.0), ROOM * max(float(np.nanmax(ends)), 1.0)
    traces = [
        band_trace(len(names)),
        *answer_traces(result, rows),
        bound_trace(result, rows),
        word_trace(result, rows, high),
    ]
    return canvas(
        result.about,
        traces,
        "mean",
        tall=ROW * len(names) + 20,
        xaxis={**arsinh_ticks(low, high), "range": [low, high + WORDS], "title": "against the claim ← → for it"},
        yaxis={
            "tickvals": rows,
            "ticktext": names,
            "range": [len(names) - 0.4, -0.6],
            "zeroline": False,
            "showgrid": False,  # a line through a word looks like an answer taken back
            "automargin": True,
        },
        hovermode="closest",
    )


def arsinh_ticks(low: float, high: float) -> Properties:
    """Ticks of the axis at round numbers."""
    values = [sign * value for value in TICKS for sign in (-1, 1) if low <= sign * np.arcsinh(value) <= high]
    values = sorted([*values, 0])
    return {"tickmode": "array", "tickvals": np.arcsinh(values), "ticktext": [f"{value:,}" for value in values]}


def band_trace(count: int) -> BaseTraceType:
    """From −1 to 1: within the margin, or one spread."""
    one, top, bottom = np.arcsinh(1.0), -0.6, count - 0.4
    return go.Scatter(
        x=[-one, one, one, -one],
        y=[top, top, bottom, bottom],
        fill="toself",
        fillcolor=HOLE,
        opacity=0.6,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


def answer_traces(result: ClaimIntervals, rows: Places) -> list[BaseTraceType]:
    """The intervals of each answer and their means, open where they are counted in spreads."""
    traces: list[BaseTraceType] = []
    scales = np.array(result.scales)
    for answer in dict.fromkeys(sorted(result.answers, key=list(ANSWERS).index)):
        is_answer = np.array(result.answers) == answer
        traces.append(interval_trace(result, rows, np.flatnonzero(is_answer), answer))
        for scale in dict.fromkeys(scales[is_answer].tolist()):
            traces.append(mean_trace(result, rows, np.flatnonzero(is_answer & (scales == scale)), answer))
    return traces


def interval_trace(result: ClaimIntervals, rows: Places, at: np.ndarray, answer: str) -> BaseTraceType:
    """A line from low to high of each claim, with gaps between."""
    gap = np.full(len(at), np.nan)
    ends = np.stack([result.low[at].numpy(), result.high[at].numpy(), gap], 1).astype(float)
    line = {"color": ANSWERS[answer][0], "width": 2}
    y = np.stack([rows[at], rows[at], gap], 1).ravel()
    return go.Scatter(
        x=np.arcsinh(ends).ravel(), y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False, legendgroup=answer
    )


def mean_trace(result: ClaimIntervals, rows: Places, at: np.ndarray, answer: str) -> BaseTraceType:
    """The means of claims of one answer and one scale."""
    colour, symbol = ANSWERS[answer]
    scale = result.scales[at[0]]
    is_spread = scale == "σ"
    names = [escaped(result.labels["claim"][place]) for place in at]
    numbers = np.stack([item[at].numpy().astype(float) for item in (result.mean, result.low, result.high)], 1)
    hover = f"%{{text}}<br>{answer}<br>%{{customdata[0]:.3g}} (%{{customdata[1]:.3g}} … %{{customdata[2]:.3g}}) {scale}"
    return go.Scatter(
        x=np.arcsinh(numbers[:, 0]),
        y=rows[at],
        text=names,
        customdata=numbers,
        mode="markers",
        name=f"{answer}, in σ" if is_spread else answer,
        legendgroup=answer,
        marker={"color": colour, "size": 9, "symbol": f"{symbol}-open" if is_spread else symbol},
        hovertemplate=f"{hover}<extra></extra>",
    )


def bound_trace(result: ClaimIntervals, rows: Places) -> BaseTraceType:
    """A stroke at the bound of each claim, two where it says alike."""
    bound, colour = result.bound.numpy().astype(float), CHANCE["color"]
    is_there = ~np.isnan(bound)
    return go.Scatter(
        x=np.arcsinh(bound[is_there]),
        y=np.broadcast_to(rows[:, None], bound.shape)[is_there],
        mode="markers",
        name="bound of the claim",
        marker={"color": colour, "size": 12, "symbol": "line-ns", "line": {"width": 1.5, "color": colour}},
        hoverinfo="skip",
    )


def word_trace(result: ClaimIntervals, rows: Places, at: float) -> BaseTraceType:
    """The answer of each claim in words."""
    return go.Scatter(
        x=np.full(len(rows), at),
        y=rows,
        text=list(result.answers),
        mode="text",
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
    )
