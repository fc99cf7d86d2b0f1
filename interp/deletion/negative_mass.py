"""Negative mass: how much of a head's attention subtracts, and how much of it cancels."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.results.sign_nulls import Moments, magnitude_of_sum, mean_share, negative_sum, rarer, row_sums
from headscope.interp.rows.measures import minority_mass, row_negative_mass

ABOUT = About(
    title="Negative mass",
    unit="share",
    law="m = Σ|A|·1[A < 0] / Σ|A|, minority min(m, 1 − m), cancellation 1 − |ΣA| / Σ|A|; rows of two keys or more",
    source="Lv et al. 2024 (arXiv 2411.07176); minority mass and cancellation: headscope",
    null="the signs of each row dealt anew",
    by_gauge={"odd": ("negative_mass", "signed_sum"), "scale": ("signed_sum",)},
    plain="How much of a head's weight subtracts instead of adding. Mirroring the head turns it into its complement, "
    "so look at the smaller of the two, the minority mass.",
)


@dataclass(frozen=True, repr=False)
class NegativeMass(Result):
    """Means over the rows that see two keys at least; NaN where there is none.

    An odd kernel's flip turns negative_mass into its complement and the sign of signed_sum; minority_mass and
    cancellation stay.
    """

    drawn_by = "deletion:negative_mass_figure"

    negative_mass: Float[Tensor, "layer head"]
    signed_sum: Float[Tensor, "layer head"]
    minority_mass: Float[Tensor, "layer head"]
    minority_mass_null: Float[Tensor, "layer head"]
    minority_mass_null_spread: Float[Tensor, "layer head"]
    cancellation: Float[Tensor, "layer head"]
    cancellation_null: Float[Tensor, "layer head"]
    cancellation_null_spread: Float[Tensor, "layer head"]


def negative_mass(
    pattern: Float[Tensor, "layer head query key"], visible: Bool[Tensor, "layer query key"]
) -> NegativeMass:
    """The four numbers of every head."""
    layers = [mass_of_layer(*layer) for layer in zip(pattern, visible, strict=True)]
    fields: dict[str, Any] = {name: torch.stack([layer[name] for layer in layers]) for name in layers[0]}
    return NegativeMass(**fields, about=ABOUT)


def mass_of_layer(
    pattern: Float[Tensor, "head query key"], visible: Bool[Tensor, "query key"]
) -> dict[str, Float[Tensor, "head"]]:
    """The fields of NegativeMass; the means of the nulls' rows are exact but for what magnitude_of_sum says."""
    sums = row_sums(pattern, with_large=True)
    total, signed = sums.total[..., 0], sums.signed[..., 0]
    counted = (visible.sum(-1) >= 2) & (total > 0)
    rows = counted.sum(-1)

    def mean(values: Float[Tensor, "head query"]) -> Float[Tensor, "head"]:
        return values.where(counted, 0.0).sum(-1) / rows

    negative = mean(row_negative_mass(total, signed))
    share, left = (mean_share(sums, of_rows, counted) for of_rows in (negative_sum(sums), magnitude_of_sum(sums)))
    minority, cancelled = rarer(share), Moments(1 - left.mean, left.variance)
    fields = {
        "negative_mass": negative,
        "signed_sum": mean(signed),
        "minority_mass": minority_mass(negative),
        "minority_mass_null": minority.mean,
        "minority_mass_null_spread": minority.variance.sqrt(),
        "cancellation": mean(1 - signed.abs() / total),
        "cancellation_null": cancelled.mean,
        "cancellation_null_spread": cancelled.variance.sqrt(),
    }
    return {name: values.to(pattern) for name, values in fields.items()}
