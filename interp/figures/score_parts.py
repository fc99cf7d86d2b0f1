"""Figure of a score by its parts: the pairs that matter most, what is left of either side summed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.figures.drawing.axes import name_axis, top_down
from headscope.interp.figures.drawing.canvas import bar, canvas
from headscope.interp.figures.drawing.heatmaps import signed_heatmap
from headscope.interp.results.about import About
from headscope.interp.score.parts import ScoreParts

MOST = 14  # parts of either side that are shown; the others are summed


def score_parts_figure(result: ScoreParts) -> go.Figure:
    """Query parts by key parts, those that add most first; nulls in the hover text."""
    rows, columns = leading_parts(result.part), leading_parts(result.part.mT)
    shown = grouped(result.part, rows, columns)
    cells = signed_heatmap(shown, "%{y} × %{x}<br>%{z:.4f}<br>%{text}", null_words(result, rows, columns))
    return canvas(
        about_cell(result),
        [cells.update(colorbar=bar(result.about.unit))],
        xaxis=name_axis(part_names(result.labels["key_part"], columns), title="part of the key"),
        yaxis=top_down(**name_axis(part_names(result.labels["query_part"], rows), title="part of the query")),
    )


def about_cell(result: ScoreParts) -> About:
    """About with the cell, its score and its weight in the title."""
    query, key = result.labels["cell"]
    head = result.cell.partition(":")[0]
    words = f"{head} from {query} to {key}, score {result.score:.2f}, weight {result.weight:.2f}"
    return replace(result.about, title=f"{result.about.title}: {words}")


def leading_parts(part: Float[Tensor, "part other"]) -> list[int]:
    """The parts whose products are largest, in the model's order; all where they are few."""
    if len(part) <= MOST:
        return list(range(len(part)))
    return sorted(part.abs().amax(1).topk(MOST - 1).indices.tolist())


def grouped(
    values: Float[Tensor, "query_part key_part"], rows: Sequence[int], columns: Sequence[int]
) -> Float[Tensor, "row column"]:
    """The chosen rows and columns, the others of each added up in a last one where there are any."""
    return summed_rest(summed_rest(values, rows).mT, columns).mT


def summed_rest(values: Float[Tensor, "part other"], kept: Sequence[int]) -> Float[Tensor, "row other"]:
    """The kept rows, and below them the sum of all others."""
    chosen = values[list(kept)]
    if len(chosen) == len(values):
        return chosen
    return torch.cat([chosen, (values.sum(0) - chosen.sum(0))[None]])


def part_names(names: Sequence[str], kept: Sequence[int]) -> list[str]:
    """The names of the kept parts, and of the sum of the others."""
    return [names[at] for at in kept] + ([f"{len(names) - len(kept)} others"] if len(kept) < len(names) else [])


def null_words(result: ScoreParts, rows: Sequence[int], columns: Sequence[int]) -> np.ndarray:
    """Mean and spread of every shown pair over the keys; of a sum the mean alone, as its terms go together."""
    means = grouped(result.part_null, rows, columns).numpy()
    words = np.array([[f"null {mean:.4f}" for mean in row] for row in means], dtype=object)
    for i, at in enumerate(rows):
        for j, other in enumerate(columns):
            words[i, j] += f" ± {float(result.part_null_spread[at, other]):.4f}"
    return words
