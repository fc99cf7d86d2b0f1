"""Figures of heads: grids of layers by heads, one number each, with its null and what stands beside it in the hover."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.figures.drawing.axes import top_down
from headscope.interp.figures.drawing.canvas import GAUGE, bar, canvas, escaped
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.heads.similar_heads import SimilarHeads
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import Result

MOST_BARS = 48  # heads; more of them side by side are not told apart


def head_score_figure(score: HeadScore | SimilarHeads) -> go.Figure:
    """The value of every head."""
    return head_grid(score, "value")


def head_grid(result: Result, field: str, beside: Sequence[str] = ()) -> go.Figure:
    """One field of a result by layer and head; pointing at a head also gives the fields beside it."""
    tensors = result.tensors()
    cells: Any = grid(result, field)
    cells.customdata = np.stack([tensors[one].numpy() for one in (field, *beside)], -1)
    said = [f"<br>{escaped(named(result, one))} %{{customdata[{at}]:.4f}}" for at, one in enumerate(beside, 1)]
    cells.hovertemplate = cells.hovertemplate.replace("<extra>", "".join([*said, "<extra>"]))
    return canvas(result.about, [cells], field, **heads())


def grid(result: Result, field: str, *index: int, name: str = "", visible: bool = True) -> go.Heatmap:
    """A heatmap of a field, at an index of the axes that it has before layer and head; its null in the hover text."""
    tensors = result.tensors()
    null, spread = (
        tensors[one][index] if (one := f"{field}_{of}") in tensors else None for of in ("null", "null_spread")
    )
    said = named(result, field) if name in ("", field) else f"{name} {named(result, field)}"
    hover = f"layer %{{y}}, head %{{x}}<br>{escaped(said)} %{{z:.4f}}" + ("" if null is None else "<br>null %{text}")
    words = None if null is None else null_words(null, spread)
    return heatmap(tensors[field][index], hover, words).update(visible=visible, name=name or field, colorbar=bar(said))


def grids(values: Sequence[Float[Tensor, "layer head"]], names: Sequence[str], hover: str) -> list[go.Heatmap]:
    """A heatmap of each of some numbers that all heads have, the first to be seen: as bars of few."""
    cells = [heatmap(one, f"layer %{{y}}, head %{{x}}<br>{hover}") for one in values]
    return [
        one.update(visible=at == 0, name=name, colorbar=bar(name))
        for at, (one, name) in enumerate(zip(cells, names, strict=True))
    ]


def named(result: Result, field: str) -> str:
    """A field in words, with a mark where it depends on the gauge; a value is what the result's title says."""
    words = result.about.title if field == "value" else field.replace("_", " ")
    return words + (f" ({GAUGE})" if field in result.about.gauge_dependent else "")


def null_words(null: Float[Tensor, "layer head"], spread: Float[Tensor, "layer head"] | None) -> np.ndarray:
    """Mean ± standard deviation of the null of every head, or its mean alone."""
    means = np.array([[f"{one:.4f}" for one in row] for row in null.tolist()], dtype=object)
    if spread is None:
        return means
    return means + np.array([[f" ± {one:.4f}" for one in row] for row in spread.tolist()], dtype=object)


def heads() -> dict[str, Any]:
    """The axes of a grid of heads."""
    return {"xaxis": {"title": "head", "type": "category"}, "yaxis": top_down(title="layer", type="category")}
