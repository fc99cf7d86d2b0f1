"""Negative mass: how much of a head's attention subtracts, and how much of it cancels."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of, shuffled_signs
from headscope.interp.results.result import Result
from headscope.interp.rows.head_statistics import head_statistics
from headscope.interp.rows.row_statistics import row_statistics

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
    result = torch.stack([_of_layer(*layer) for layer in zip(pattern, visible, strict=True)])
    null = null_of(lambda dice: torch.stack([_dealt(*layer, dice) for layer in zip(pattern, visible, strict=True)]))
    return NegativeMass(
        negative_mass=result[..., 0],
        signed_sum=result[..., 1],
        minority_mass=result[..., 2],
        minority_mass_null=null.mean[..., 2],
        minority_mass_null_spread=null.spread[..., 2],
        cancellation=result[..., 3],
        cancellation_null=null.mean[..., 3],
        cancellation_null_spread=null.spread[..., 3],
        about=ABOUT,
    )


def _of_layer(pattern: Float[Tensor, "head query key"], visible: Bool[Tensor, "query key"]) -> Float[Tensor, "head 4"]:
    keys = visible.sum(-1)
    heads = head_statistics(row_statistics(pattern), keys[None])
    cancellation = 1 - pattern.sum(-1).abs() / pattern.abs().sum(-1)
    had_a_choice = cancellation.where(keys >= 2, torch.nan)
    return torch.stack([heads.negative_mass, heads.signed_sum, heads.minority_mass, had_a_choice.nanmean(-1)], -1)


def _dealt(
    pattern: Float[Tensor, "head query key"], visible: Bool[Tensor, "query key"], dice: torch.Generator
) -> Float[Tensor, "head 4"]:
    return _of_layer(pattern if bool((pattern >= 0).all()) else shuffled_signs(pattern, dice), visible)
