"""Detector scores: how much of its weight, and of which sign, each head puts on the cells of a known kind of head."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.detectors.targets import TARGETS, targets
from headscope.interp.results.about import About
from headscope.interp.results.assumptions import refuse_unlawful
from headscope.interp.results.result import Result

SIGNED = ("signed", "signed_null")
DETECTORS = About(
    title="Head detectors",
    unit="1",
    law="signed: mean over rows of Σ A on the detector's cells; share: the same of b = |A|/Σ|A|; sign: Σ A/Σ|A| there",
    source="Olsson et al. 2022, In-context learning and induction heads; apart for sign and magnitude: headscope",
    null="each row's keys shuffled among those it sees (exact mean and deviation; of the sign, a ratio of means)",
    assumes=("causal",),
    by_gauge={"odd": (*SIGNED, "sign", "sign_null"), "scale": (*SIGNED, "signed_null_spread")},
    plain="Heads of known kinds attend to known places: the token before, an earlier copy of the token, or what "
    "followed that copy (induction). How much of its weight does each head put there, and with which sign?",
)


@dataclass(frozen=True, repr=False)
class DetectorScores(Result):
    """Means over the rows that see a cell of the detector and are not all zeros; NaN where there is no such row.

    −0.9 on every previous token is −0.9 signed, 0.9 share and sign −1. rows: how many rows the means are of.
    """

    drawn_by = "detectors:detectors_figure"

    signed: Float[Tensor, "detector layer head"]
    signed_null: Float[Tensor, "detector layer head"]
    signed_null_spread: Float[Tensor, "detector layer head"]
    share: Float[Tensor, "detector layer head"]
    share_null: Float[Tensor, "detector layer head"]
    share_null_spread: Float[Tensor, "detector layer head"]
    sign: Float[Tensor, "detector layer head"]
    sign_null: Float[Tensor, "detector layer head"]
    rows: Float[Tensor, "detector layer head"]


@dataclass(frozen=True)
class Cells:
    """Where a row looks: the cells of each detector that it sees, their number m, and the number n of all it sees."""

    wanted: Float[Tensor, "detector query key"]
    visible: Bool[Tensor, "query key"]
    m: Float[Tensor, "detector 1 query"]
    n: Float[Tensor, "query"]


def detector_scores(
    pattern: Float[Tensor, "layer head query key"],
    ids: Int[Tensor, "key"],
    visible: Bool[Tensor, "layer query key"],
) -> DetectorScores:
    """All detectors of a prompt. Weights of keys that a row does not see are exactly 0.

    Raises ValueError for a pattern that sees the future: these heads look back, at what came before.
    """
    refuse_unlawful(pattern, DETECTORS)
    wanted = targets(ids)
    layers = [
        layer_detector_scores(weights, cells_of(wanted & seen, seen, weights.dtype))
        for weights, seen in zip(pattern, visible, strict=True)
    ]
    fields = {name: torch.stack([layer[name] for layer in layers], 1) for name in layers[0]}
    return DetectorScores(**fields, about=DETECTORS, labels={"detector": tuple(TARGETS)})


def cells_of(
    wanted: Bool[Tensor, "detector query key"], visible: Bool[Tensor, "query key"], dtype: torch.dtype
) -> Cells:
    """The cells, as numbers to multiply patterns with."""
    m = wanted.sum(-1)[:, None].to(dtype)
    return Cells(wanted.to(dtype), visible, m, visible.sum(-1).to(dtype))


@dataclass(frozen=True)
class OnCells:
    """Weight on the cells, summed over rows, and its mean and standard deviation when the keys of rows are shuffled."""

    weight: Float[Tensor, "detector head"]
    null: Float[Tensor, "detector head"]
    spread: Float[Tensor, "detector head"]


def layer_detector_scores(
    pattern: Float[Tensor, "head query key"], cells: Cells
) -> dict[str, Float[Tensor, "detector head"]]:
    """The fields of DetectorScores for one layer."""
    size = pattern.abs()
    total = size.sum(-1)
    counted = (cells.m > 0) & (total != 0)
    rows = counted.sum(-1).to(pattern.dtype)
    signed, absolute, share = (on_cells(x, counted, cells) for x in (pattern, size, size / total[..., None]))
    return {
        "signed": signed.weight / rows,
        "signed_null": signed.null / rows,
        "signed_null_spread": signed.spread / rows,
        "share": share.weight / rows,
        "share_null": share.null / rows,
        "share_null_spread": share.spread / rows,
        "sign": signed.weight / absolute.weight,
        "sign_null": signed.null / absolute.null,
        "rows": rows,
    }


def on_cells(
    weights: Float[Tensor, "head query key"], counted: Bool[Tensor, "detector head query"], cells: Cells
) -> OnCells:
    """Over the counted rows; m of n numbers drawn without return have a sum of mean m·mean and of variance
    m (n − m)/(n − 1) times theirs.
    """
    m, n = cells.m, cells.n
    mean = weights.sum(-1) / n
    off = (weights - mean[..., None]).masked_fill(~cells.visible, 0.0)
    variance = m * (n - m) / (n - 1).clamp(min=1) * (off.square().sum(-1) / n)
    result = torch.einsum("hqk,dqk->dhq", weights, cells.wanted)
    sums = [rows.where(counted, 0.0).sum(-1) for rows in (result, m * mean, variance)]
    return OnCells(sums[0], sums[1], sums[2].sqrt())
