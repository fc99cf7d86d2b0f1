"""Quadrants: a contribution by the signs of its two factors, the attention weight and the OV term."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.nulls import Null
from headscope.interp.results.result import Result
from headscope.interp.results.sign_nulls import Moments, negative_sum, null_of_moments, row_sums, scaled
from headscope.models.attention.fused.scratch import Scratch

QUADRANTS = ("copy", "OV deletion", "weight deletion", "double negative")
ABOUT = About(
    title="Copying and deletion",
    unit="share of Σ|C|",
    law="copy (A+, OV+) + OV deletion (A+, OV−) + weight deletion (A−, OV+) + double negative (A−, OV−) = 1",
    source="headscope, after Lv et al. 2024 (arXiv 2411.07176)",
    null="the signs of each row of the pattern dealt anew",
    by_gauge={"odd": ("share", "share_null", "share_null_spread", "layer_share", "model_share")},
    plain="All that a head does to the logits of the tokens it reads, split four ways: by the sign of the attention "
    "weight and by the sign of what the OV circuit then writes.",
)


@dataclass(frozen=True, repr=False)
class Quadrants(Result):
    """Shares of Σ|C| by (sign A, sign OV), per head, layer and model; NaN where nothing is contributed.

    net_copy: the share of contributions that raise the logit of the attended token, copy + double negative; the rest
    is net deletion. An odd kernel's flip swaps copy with double negative and OV deletion with weight deletion: for
    such a head only the net reading says something of the function.
    """

    drawn_by = "quadrants:quadrants_figure"

    net_copy: Float[Tensor, "layer head"]
    net_copy_null: Float[Tensor, "layer head"]
    net_copy_null_spread: Float[Tensor, "layer head"]
    share: Float[Tensor, "layer head quadrant"]
    share_null: Float[Tensor, "layer head quadrant"]
    share_null_spread: Float[Tensor, "layer head quadrant"]
    layer_share: Float[Tensor, "layer quadrant"]
    layer_net_copy: Float[Tensor, "layer"]
    model_share: Float[Tensor, "quadrant"]


@dataclass(frozen=True)
class QuadrantMasses:
    """Σ|C| of some layers in each quadrant, and mean and spread of share_nulls."""

    mass: Float[Tensor, "layer head quadrant"]
    null_mean: Float[Tensor, "layer head share"]
    null_spread: Float[Tensor, "layer head share"]


def quadrants(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> Quadrants:
    """The shares of all heads; ov as of `ov_terms` with the keys' own unembeddings."""
    return quadrants_of_masses([masses_with_nulls(pattern, ov, scale)])


def masses_with_nulls(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> QuadrantMasses:
    """What `quadrants` needs of some layers; the arguments are its own."""
    null = share_nulls(pattern, ov, scale)
    return QuadrantMasses(quadrant_masses(pattern, ov, scale), null.mean, null.spread)


def quadrants_of_masses(parts: Sequence[QuadrantMasses]) -> Quadrants:
    """The shares of all layers, whose masses come in their order."""
    names = ("mass", "null_mean", "null_spread")
    mass, mean, spread = (torch.cat([getattr(part, name) for part in parts]) for name in names)
    share, null = quadrant_shares(mass), Null(mean, spread)
    layer_share = quadrant_shares(mass.sum(1))
    return Quadrants(
        net_copy=net_copy(share),
        net_copy_null=null.mean[..., -1],
        net_copy_null_spread=null.spread[..., -1],
        share=share,
        share_null=null.mean[..., :-1],
        share_null_spread=null.spread[..., :-1],
        layer_share=layer_share,
        layer_net_copy=net_copy(layer_share),
        model_share=quadrant_shares(mass.sum((0, 1))),
        about=ABOUT,
        labels={"quadrant": QUADRANTS},
    )


def quadrant_masses(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> Float[Tensor, "layer head quadrant"]:
    """Σ|C| in each quadrant, layer by layer and without C itself: a product of the factors' signed halves."""
    return torch.stack([_masses(*layer) for layer in zip(pattern, ov, scale, strict=True)])


def _masses(
    pattern: Float[Tensor, "head query key"], ov: Float[Tensor, "head key"], scale: Float[Tensor, "query 1"]
) -> Float[Tensor, "head quadrant"]:
    terms = torch.stack([ov.clamp(min=0), -ov.clamp(max=0)], -1)
    scratch = Scratch()
    heads = []
    for head, term in zip(pattern, terms, strict=True):
        half = torch.clamp(head, min=0, out=scratch.like("half", head))
        positive = half @ term
        heads.append(torch.cat([positive, half.sub_(head) @ term], -1))
    return (torch.stack(heads) / scale).sum(1)


def quadrant_shares(mass: Float[Tensor, "*group quadrant"]) -> Float[Tensor, "*group quadrant"]:
    """Masses over their sum."""
    return mass / mass.sum(-1, keepdim=True)


def net_copy(share: Float[Tensor, "*group quadrant"]) -> Float[Tensor, "*group"]:
    """The share in which both signs agree."""
    return share[..., 0] + share[..., 3]


def share_nulls(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> Null:
    """Exact mean and spread of the shares and, after them, of their net reading, over all deals of the rows' signs."""
    layers = [share_moments(*layer) for layer in zip(pattern, ov, scale, strict=True)]
    mean, variance = (torch.stack([getattr(layer, name) for layer in layers]) for name in ("mean", "variance"))
    return null_of_moments(Moments(mean, variance), pattern)


def share_moments(
    pattern: Float[Tensor, "head query key"], ov: Float[Tensor, "head key"], scale: Float[Tensor, "query 1"]
) -> Moments:
    """Those of one layer: what a quadrant of A− holds is a sum over the negative cells, and A+ holds the rest."""
    sums = row_sums(pattern, torch.stack([ov.clamp(min=0), -ov.clamp(max=0)], -1))
    parts = torch.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]]).to(sums.total)  # OV+, OV− and what turns the net reading
    kinds = replace(sums, total=sums.total @ parts, squares=sums.squares @ parts.abs())
    by_row = scaled(negative_sum(kinds), 1 / scale)
    whole = (sums.total / scale).sum(1)
    negative = scaled(Moments(by_row.mean.sum(1), by_row.variance.sum(1)), 1 / whole.sum(-1, keepdim=True))
    share = whole / whole.sum(-1, keepdim=True)
    positive = share - negative.mean[..., :2]
    net = share[..., :1] + negative.mean[..., 2:]
    variance = negative.variance[..., [0, 1, 0, 1, 2]]
    return Moments(torch.cat([positive, negative.mean[..., :2], net], -1), variance)
