"""Figures of circuits: grids of scores by head, eigenvalues in the plane, spectra, composition, tokens at the ends."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.circuits.composition import Composition
from headscope.interp.circuits.copying import Copying
from headscope.interp.circuits.diagonal import DiagonalRanks
from headscope.interp.circuits.qk_spectrum import QKSpectrum
from headscope.interp.circuits.top_tokens import TopTokens
from headscope.interp.figures.drawing.axes import name_axis, top_down
from headscope.interp.figures.drawing.canvas import bar, canvas, escaped
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.figures.drawing.null_marks import marked_bars, marked_cells
from headscope.interp.figures.heads import head_grid
from headscope.interp.figures.palette.colours import BLUE, RED, depth_colour
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.head_score import head_name


def copying_figure(copying: Copying) -> go.Figure:
    """The copying score of every head, layers by heads."""
    return head_grid(copying, "value")


def diagonal_figure(ranks: DiagonalRanks, field: str = "row_rank") -> go.Figure:
    """One field of every head, layers by heads."""
    words = replace(ranks.about, title=f"{ranks.about.title}: {field.replace('_', ' ')}")
    return head_grid(replace(ranks, about=words), field)


def eigenvalue_figure(result: Copying | QKSpectrum, layer: int = 0, head: int = 0) -> go.Figure:
    """One head's eigenvalues in the complex plane, blue right of 0 and red left of it."""
    eigenvalues = result.eigenvalues[layer, head]
    real, imaginary = eigenvalues.real.numpy(), eigenvalues.imag.numpy()
    points = go.Scatter(
        x=real,
        y=imaginary,
        mode="markers",
        marker={"color": np.where(real < 0, RED, BLUE)},
        hovertemplate=f"{head_name(layer, head)}<br>%{{x:.4g}} + %{{y:.4g}} i<extra></extra>",
    )
    axes: Properties = {
        "xaxis": {"title": f"real part ({head_name(layer, head)})", "zeroline": True},
        "yaxis": {"title": "imaginary part", "scaleanchor": "x"},
    }
    return canvas(result.about, [points], "eigenvalues", **axes)


def spectrum_figure(spectrum: QKSpectrum) -> go.Figure:
    """Singular values of every head in order, a line each; heads of a layer share a colour."""
    layers, heads, rank = spectrum.singular_values.shape
    index = np.arange(1, rank + 1)
    lines = [
        go.Scatter(
            x=index,
            y=spectrum.singular_values[layer, head].numpy(),
            mode="lines",
            name=f"layer {layer}",
            legendgroup=f"layer {layer}",
            showlegend=head == 0,
            line={"color": depth_colour(layer, layers), "width": 1.5},
            hovertemplate=f"{head_name(layer, head)}<br>σ%{{x}} = %{{y:.4g}}<extra></extra>",
        )
        for layer in range(layers)
        for head in range(heads)
    ]
    axes: Properties = {"xaxis": {"title": "index"}, "yaxis": {"title": "singular value", "rangemode": "tozero"}}
    return canvas(spectrum.about, lines, "singular_values", **axes)


def composition_figure(composition: Composition) -> go.Figure:
    """Score minus null of writers (rows) and readers (columns), with a menu of what is read."""
    reads = composition.labels["read"]
    heatmaps = [_excess_heatmap(composition, at).update(visible=at == 0) for at in range(len(reads))]
    axes: Properties = {"xaxis": {"title": "reader"}, "yaxis": top_down(title="writer")}
    words = replace(composition.about, title=f"{composition.about.title}: score minus null")
    return canvas(words, heatmaps, "excess", **menu_layout(reads), **axes)


def top_tokens_figure(top: TopTokens) -> go.Figure:
    """The highest and the lowest tokens as bars from top to bottom; pointing at one gives the mean over others."""
    order = slice(None, None, -1)
    tokens = [*top.labels["highest"], *top.labels["lowest"][order]]
    values, null, spread = (
        np.concatenate([getattr(top, f"highest{of}").numpy(), getattr(top, f"lowest{of}").numpy()[order]])
        for of in ("", "_null", "_null_spread")
    )
    bars = go.Bar(
        x=values,
        y=np.arange(len(tokens)),
        orientation="h",
        marker={"color": np.where(values < 0, RED, BLUE)},
        customdata=np.stack([null, spread], -1),
        hovertemplate=f"{escaped(top.token_string)} → %{{y}}<br>%{{x:.4f}}<br>"
        "other tokens %{customdata[0]:.4f} ± %{customdata[1]:.4f}<extra></extra>",
    )
    marked_bars(bars, values, null, spread)
    words = replace(top.about, title=f"{top.about.title} by {top.token_string!r}")
    rows = top_down(**name_axis(tokens, len(tokens)))
    return canvas(words, [bars], "highest", xaxis={"title": top.about.unit}, yaxis=rows)


def _excess_heatmap(composition: Composition, at: int) -> go.Heatmap:
    """Writers by readers for one of the reads."""
    layers, heads = composition.score.shape[1:3]
    names = np.array([head_name(layer, head) for layer in range(layers) for head in range(heads)])
    others = (composition.score, composition.score_null, composition.score_null_spread)
    hover = (
        f"%{{y}} → %{{x}}, {composition.labels['read'][at]}<br>excess %{{z:.4f}}"
        "<br>score %{customdata[0]:.4f}, null %{customdata[1]:.4f} ± %{customdata[2]:.4f}"
    )
    score, null, spread = (_square(field[at]) for field in others)
    cells = signed_heatmap(_square(composition.excess[at]), hover)
    marked_cells(cells, score, null, spread)
    return cells.update(x=names, y=names, colorbar=bar("excess"), customdata=np.stack([score, null, spread], -1))


def _square(field: Float[Tensor, "layer head layer head"]) -> Float[np.ndarray, "writer reader"]:
    """Every head of every layer, by every other."""
    return field.flatten(2, 3).flatten(0, 1).numpy()
