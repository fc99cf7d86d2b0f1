"""Row curves: the measures of every row of every head, by the position of its query."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.about import About
from interp.result import Result
from interp.rows.jacobian import jacobian_norm, power_of
from interp.rows.measures import measures, measures_of_equal_weights

TOP = 5
BESIDE_NULL = (
    "top_mass",
    "max_share",
    "mean_distance",
    "diagonal_mass",
    "previous_token_mass",
    "first_token_mass",
)
MIRRORED = ("negative_mass", "signed_sum")
SCALED = ("signed_sum", "row_norm", "jacobian_norm")
ABOUT = About(
    title="Row statistics by position",
    unit="shares of Σ abs(a); entropies in nats, distances in tokens, participation in keys",
    law="b = abs(a)/Σ abs(a); entropy −Σ b ln b, participation 1/Σb², spikiness 1/(nΣb²), jacobian_norm ‖∂a/∂p‖_F",
    source="Zhang et al. 2024, arXiv 2411.12892 (spikiness); Saratchandran et al. 2024, arXiv 2410.18613 (norms)",
    null="the same measure of equal weights over the visible keys",
    gauge_dependent=MIRRORED,
)


@dataclass(frozen=True, repr=False)
class RowCurves(Result):
    """The measures of interp.rows.measures for every row, and ‖∂a/∂p‖_F of its kernel in what it weighs, p.

    negative_mass and signed_sum depend on a flip of signs of an odd kernel; the norms and signed_sum of polynomial
    attention also on (W_Q, W_V) → (c W_Q, c^(−power) W_V), which changes nothing else.
    """

    entropy: Float[Tensor, "layer head query"]
    normalised_entropy: Float[Tensor, "layer head query"]
    participation: Float[Tensor, "layer head query"]
    spikiness: Float[Tensor, "layer head query"]
    top_mass: Float[Tensor, "layer head query"]
    max_share: Float[Tensor, "layer head query"]
    negative_mass: Float[Tensor, "layer head query"]
    signed_sum: Float[Tensor, "layer head query"]
    mean_distance: Float[Tensor, "layer head query"]
    diagonal_mass: Float[Tensor, "layer head query"]
    previous_token_mass: Float[Tensor, "layer head query"]
    first_token_mass: Float[Tensor, "layer head query"]
    row_norm: Float[Tensor, "layer head query"]
    jacobian_norm: Float[Tensor, "layer head query"]
    top_mass_null: Float[Tensor, "layer head query"]
    max_share_null: Float[Tensor, "layer head query"]
    mean_distance_null: Float[Tensor, "layer head query"]
    diagonal_mass_null: Float[Tensor, "layer head query"]
    previous_token_mass_null: Float[Tensor, "layer head query"]
    first_token_mass_null: Float[Tensor, "layer head query"]
    visible_keys: Int[Tensor, "layer head query"]
    top: int = TOP


@dataclass(frozen=True)
class Reading:
    """How rows are read: as which variant's weights (of which power, if polynomial), and how many keys are the top."""

    variant: str
    power: int | float | None = None
    top: int = TOP


def row_curves(
    pattern: Float[Tensor, "layer head query key"],
    scores: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    variants: Sequence[str],
    top: int = TOP,
) -> RowCurves:
    """Every row of patterns whose layers have the named variants; scores are what the kernel weighed.

    The queries are the last of the keys. The power of polynomial attention is read off its weights; where that cannot
    be, its Jacobian norms are NaN. Raises ValueError for an unknown variant and for layers that have none.
    """
    if len(variants) != len(pattern):
        raise ValueError(f"a variant is named for each of the {len(pattern)} layers; got {len(variants)}")
    position = torch.arange(pattern.shape[-2]) + pattern.shape[-1] - pattern.shape[-2]
    layers = []
    for variant, a, p, seen in zip(variants, pattern, scores, visible, strict=True):
        power = (power_of(a, p) or math.nan) if variant == "polynomial" else None
        layers.append(rows_of(Reading(variant, power, top), a, p, seen[None], position))
    found = {name: torch.stack([layer[name] for layer in layers]) for name in layers[0]}
    return curves_of(found, visible.sum(-1)[:, None], variants, top)


def rows_of(
    reading: Reading,
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    visible: Bool[Tensor, "*#batch query key"],
    position: Int[Tensor, "query"],
) -> dict[str, Float[Tensor, "*batch query"]]:
    """Measures and Jacobian norm of some rows, and `x_null`, the same measures of equal weights, by name."""
    found = measures(pattern, visible.sum(-1), position, reading.top)
    equal = measures_of_equal_weights(visible, position, reading.top, pattern.dtype)
    nulls = {f"{name}_null": value.expand_as(found[name]) for name, value in equal.items()}
    norm = jacobian_norm(reading.variant, pattern, scores, reading.power)
    return {**found, "jacobian_norm": norm, **nulls}


def curves_of(
    found: Mapping[str, Float[Tensor, "layer head query"]],
    visible_keys: Int[Tensor, "#layer #head query"],
    variants: Sequence[str],
    top: int,
) -> RowCurves:
    """The record of measured rows."""
    fields: dict[str, Any] = {**found, "visible_keys": visible_keys.expand_as(found["entropy"])}
    scaled = SCALED if "polynomial" in variants else ()
    return RowCurves(**fields, top=top, about=gauged(ABOUT, scaled))


def gauged(about: About, scaled: tuple[str, ...]) -> About:
    """The same, with the fields that a free scale of the weights changes besides those that free signs change."""
    return replace(about, gauge_dependent=tuple(dict.fromkeys((*about.gauge_dependent, *scaled))))
