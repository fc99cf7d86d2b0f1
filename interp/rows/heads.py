"""Head rows: the row statistics of every head, averaged over the rows that had a choice, and norms of its pattern."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import Result
from headscope.interp.rows.curves import ABOUT, RowCurves, about_with_gauges
from headscope.interp.rows.dilution import dilution_slope
from headscope.interp.rows.measures import minority_mass
from headscope.interp.rows.reading import BESIDE_NULL, TOP
from headscope.models.io.near_names import known_names

SHARPNESS = ("entropy", "normalised_entropy", "participation", "spikiness")
AVERAGED = (
    *SHARPNESS,
    "top_mass",
    "max_share",
    "negative_mass",
    "signed_sum",
    "mean_distance",
    "diagonal_mass",
    "previous_token_mass",
    "first_token_mass",
    *(f"{name}_null" for name in BESIDE_NULL),
    *(f"{name}_null" for name in SHARPNESS),
)
NORMS = ("frobenius", "frobenius_per_root", "jacobian_norm", "jacobian_per_root")
SCALED = ("signed_sum", *NORMS)
ABOUT_HEADS = replace(
    ABOUT,
    title="Row statistics",
    law=f"{ABOUT.law}; means over the rows that see two keys or more; frobenius ‖A‖_F, per_root over √N, "
    "dilution_slope d ln max b / d ln n over rows; entropy_all_rows: entropy over all rows, those of one key too",
    source=f"{ABOUT.source}; Zhai et al. 2023, arXiv 2303.06296 (entropy_all_rows)",
)


@dataclass(frozen=True, repr=False)
class HeadRows(Result):
    """Means over the rows of a head that see at least two keys; NaN where there is none.

    entropy_all_rows: entropy over all rows, as others average it. The first row of a causal head sees key 0 alone and
    has entropy 0: of N rows, N · entropy_all_rows = (N − 1) · entropy.
    minority_mass: min(m, 1 − m) of the mean negative mass m, which a flip of signs of an odd kernel leaves alone.
    frobenius, jacobian_norm: ‖A‖_F and ‖∂A/∂P‖_F over all rows; per_root: over √N of N rows. Where Σ abs(a) = 1,
    ‖A‖_F ≤ √N and ‖∂A/∂P‖_F ≤ √N/2 (Saratchandran et al. 2024). dilution_slope: see headscope.interp.rows.dilution.
    """

    drawn_by = "row_statistics:head_rows_figure"

    entropy: Float[Tensor, "layer head"]
    entropy_all_rows: Float[Tensor, "layer head"]
    normalised_entropy: Float[Tensor, "layer head"]
    participation: Float[Tensor, "layer head"]
    spikiness: Float[Tensor, "layer head"]
    top_mass: Float[Tensor, "layer head"]
    max_share: Float[Tensor, "layer head"]
    negative_mass: Float[Tensor, "layer head"]
    minority_mass: Float[Tensor, "layer head"]
    signed_sum: Float[Tensor, "layer head"]
    mean_distance: Float[Tensor, "layer head"]
    diagonal_mass: Float[Tensor, "layer head"]
    previous_token_mass: Float[Tensor, "layer head"]
    first_token_mass: Float[Tensor, "layer head"]
    frobenius: Float[Tensor, "layer head"]
    frobenius_per_root: Float[Tensor, "layer head"]
    jacobian_norm: Float[Tensor, "layer head"]
    jacobian_per_root: Float[Tensor, "layer head"]
    dilution_slope: Float[Tensor, "layer head"]
    top_mass_null: Float[Tensor, "layer head"]
    max_share_null: Float[Tensor, "layer head"]
    mean_distance_null: Float[Tensor, "layer head"]
    diagonal_mass_null: Float[Tensor, "layer head"]
    previous_token_mass_null: Float[Tensor, "layer head"]
    first_token_mass_null: Float[Tensor, "layer head"]
    entropy_null: Float[Tensor, "layer head"]
    entropy_all_rows_null: Float[Tensor, "layer head"]
    normalised_entropy_null: Float[Tensor, "layer head"]
    participation_null: Float[Tensor, "layer head"]
    spikiness_null: Float[Tensor, "layer head"]
    frobenius_null: Float[Tensor, "layer head"]
    frobenius_per_root_null: Float[Tensor, "layer head"]
    jacobian_norm_null: Float[Tensor, "layer head"]
    jacobian_per_root_null: Float[Tensor, "layer head"]
    top: int = TOP

    def score(self, statistic: str) -> HeadScore:
        """One statistic of every head beside its null. Raises ValueError for one that is not there."""
        known = self.tensors()
        if statistic not in known:
            raise ValueError(f"unknown statistic {statistic!r}; known: {known_names(statistic, known)}")
        fields = {statistic: "value", f"{statistic}_null": "value_null"}
        about = replace(self.about.of_fields(fields), title=statistic.replace("_", " ").capitalize())
        return HeadScore(known[statistic], known.get(f"{statistic}_null"), about=about, labels=self.labels)


def head_rows(curves: RowCurves) -> HeadRows:
    """The rows of each head in one number per statistic."""
    means: dict[str, Any] = {name: mean_of_choices(getattr(curves, name), curves.visible_keys) for name in AVERAGED}
    return HeadRows(
        **means,
        entropy_all_rows=curves.entropy.nanmean(-1),
        entropy_all_rows_null=curves.entropy_null.nanmean(-1),
        **head_norms(curves.row_norm, curves.jacobian_norm),
        **{f"{name}_null": norm for name, norm in head_norms(curves.row_norm_null, curves.jacobian_norm_null).items()},
        minority_mass=minority_mass(means["negative_mass"]),
        dilution_slope=dilution_slope(curves.max_share, curves.visible_keys),
        top=curves.top,
        about=about_with_gauges(ABOUT_HEADS, curves.about.by_gauge, (*SHARPNESS, "entropy_all_rows", *NORMS), SCALED),
    )


def head_norms(
    row_norm: Float[Tensor, "layer head query"], jacobian_norm: Float[Tensor, "layer head query"]
) -> dict[str, Any]:
    """The norms over all rows, in the order of NORMS."""
    root = row_norm.shape[-1] ** 0.5
    frobenius, jacobian = row_norm.norm(dim=-1), jacobian_norm.norm(dim=-1)
    return dict(zip(NORMS, (frobenius, frobenius / root, jacobian, jacobian / root), strict=True))


def mean_of_choices(
    values: Float[Tensor, "*head query"], visible_keys: Int[Tensor, "*#head query"]
) -> Float[Tensor, "*head"]:
    """The mean over rows with at least two visible keys: a row of one key has no choice. Rows of NaN are left out."""
    return values.where(visible_keys >= 2, torch.nan).nanmean(-1)
