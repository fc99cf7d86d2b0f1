"""Collapse comparison: D(n)/D(n₀) of several models at the n that all of them were asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.curves import ABOUT, CollapseCurves
from headscope.interp.results.result import Result

COMPARED = replace(
    ABOUT,
    title="Representational collapse, model beside model",
    unit="share of the first n",
    law="D(n)/D(n₀) after the final norm, n₀ the first n that all models were asked",
)


@dataclass(frozen=True, repr=False)
class CollapseComparison(Result):
    """relative: D(n) over that of the first n; NaN or infinite where that is 0."""

    drawn_by = "collapse:collapse_comparison_figure"

    relative: Float[Tensor, "model distance n"]
    distance: Float[Tensor, "model distance n"]
    distance_null: Float[Tensor, "model distance n"]
    lengths: tuple[int, ...]


def collapse_comparison(models: Mapping[str, CollapseCurves]) -> CollapseComparison:
    """The curves of several models after their final norms. Raises ValueError for none, and for no n in common."""
    if not models:
        raise ValueError("no curve was given; give one model's at least")
    curves = list(models.values())
    lengths = [n for n in curves[0].lengths if all(n in curve.lengths for curve in curves)]
    if not lengths:
        raise ValueError("these models were asked no n in common: their contexts differ too much")
    places = [[curve.lengths.index(n) for n in lengths] for curve in curves]
    distance, null = (
        torch.stack([getattr(item, name)[:, -1, at] for item, at in zip(curves, places, strict=True)])
        for name in ("distance", "distance_null")
    )
    labels = {"model": tuple(models), "distance": curves[0].labels["distance"], "n": tuple(map(str, lengths))}
    return CollapseComparison(
        distance / distance[..., :1], distance, null, tuple(lengths), about=COMPARED, labels=labels
    )
