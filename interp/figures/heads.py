"""Figures of heads: grids of layers by heads, one number each, with its null and what stands beside it in the hover."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from headscope.interp.figures.drawing.axes import top_down
from headscope.interp.figures.drawing.canvas import GAUGE, bar, canvas, escaped
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.drawing.null_marks import marked_cells
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.heads.similar_heads import SimilarHeads
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import Result

MOST_BARS = 48  # heads; more of them side by side are not told apart


def head_score_figure(score: HeadScore | SimilarHeads) -> go.Figure:
    """The value of every head."""
    return head_grid(score, "value")


def head_grid(result: Result, field: str, others: Sequence[str] = ()) -> go.Figure:
    """One field of a result by layer and head; pointing at a head also gives the fields beside it."""
    tensors = result.tensors()
    cells = head_heatmap(result, field)
    cells.customdata = np.stack([tensors[item].numpy() for item in (field, *others)], -1)
    words = [f"<br>{escaped(field_label(result, item))} %{{customdata[{at}]:.4f}}" for at, item in enumerate(others, 1)]
    cells.hovertemplate = str(cells.hovertemplate).replace("<extra>", "".join([*words, "<extra>"]))
    return canvas(result.about, [cells], field, **head_axes())


def head_heatmap(result: Result, field: str, *index: int, name: str = "", visible: bool = True) -> go.Heatmap:
    """A heatmap of a field, at an index of its axes before layer and head, marked where it is near its null."""
    tensors = result.tensors()
    null, spread = (
        tensors[null_field][index] if (null_field := f"{field}_{of}") in tensors else None
        for of in ("null", "null_spread")
    )
    entry = field_label(result, field) if name in ("", field) else f"{name} {field_label(result, field)}"
    hover = f"layer %{{y}}, head %{{x}}<br>{escaped(entry)} %{{z:.4f}}" + ("" if null is None else "<br>null %{text}")
    words = None if null is None else null_words(null, spread)
    cells = heatmap(tensors[field][index], hover, words)
    if null is not None and spread is not None:
        marked_cells(cells, *(item.numpy() for item in (tensors[field][index], null, spread)))
    return cells.update(visible=visible, name=name or field, colorbar=bar(entry))


def head_heatmaps(values: Sequence[Float[Tensor, "layer head"]], names: Sequence[str], hover: str) -> list[go.Heatmap]:
    """A heatmap of each of some numbers that all heads have, the first to be seen: as bars of few."""
    cells = [heatmap(value, f"layer %{{y}}, head %{{x}}<br>{hover}") for value in values]
    return [
        item.update(visible=at == 0, name=name, colorbar=bar(name))
        for at, (item, name) in enumerate(zip(cells, names, strict=True))
    ]


def field_label(result: Result, field: str) -> str:
    """A field in words, with a mark where it depends on the gauge; a value is what the result's title says."""
    words = result.about.title if field == "value" else field.replace("_", " ")
    return words + (f" ({GAUGE})" if field in result.about.gauge_dependent else "")


def null_words(null: Float[Tensor, "layer head"], spread: Float[Tensor, "layer head"] | None) -> np.ndarray:
    """Mean ± standard deviation of the null of every head, or its mean alone."""
    means = np.array([[f"{item:.4f}" for item in row] for row in null.tolist()], dtype=object)
    if spread is None:
        return means
    return means + np.array([[f" ± {item:.4f}" for item in row] for row in spread.tolist()], dtype=object)


def head_axes() -> Properties:
    """The axes of a grid of heads."""
    return {"xaxis": {"title": "head", "type": "category"}, "yaxis": top_down(title="layer", type="category")}
