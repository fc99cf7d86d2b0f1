"""Quadrants: a contribution by the signs of its two factors, the attention weight and the OV term."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of, shuffled_signs
from headscope.interp.results.result import Result

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


def quadrants(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> Quadrants:
    """The shares of all heads; ov as of `ov_terms` with the source tokens' own unembeddings."""
    mass = quadrant_masses(pattern, ov, scale)
    share = quadrant_shares(mass)
    null = null_of(lambda dice: with_net(quadrant_shares(dealt_masses(pattern, ov, scale, dice))))
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


def dealt_masses(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
    dice: torch.Generator,
) -> Float[Tensor, "layer head quadrant"]:
    """The same where the signs of each row of the pattern are dealt anew; one without negative weights has one deal."""
    layers = zip(pattern, ov, scale, strict=True)
    return torch.stack([_masses(A if bool((A >= 0).all()) else shuffled_signs(A, dice), *rest) for A, *rest in layers])


def _masses(
    pattern: Float[Tensor, "head query key"], ov: Float[Tensor, "head key"], scale: Float[Tensor, "query 1"]
) -> Float[Tensor, "head quadrant"]:
    weights = torch.stack([pattern.clamp(min=0), -pattern.clamp(max=0)])
    terms = torch.stack([ov.clamp(min=0), -ov.clamp(max=0)])
    by_destination = torch.einsum("ahqk,bhk->habq", weights, terms)
    return (by_destination / scale[:, 0]).sum(-1).flatten(1)


def quadrant_shares(mass: Float[Tensor, "*group quadrant"]) -> Float[Tensor, "*group quadrant"]:
    """Masses over their sum."""
    return mass / mass.sum(-1, keepdim=True)


def net_copy(share: Float[Tensor, "*group quadrant"]) -> Float[Tensor, "*group"]:
    """The share in which both signs agree."""
    return share[..., 0] + share[..., 3]


def with_net(share: Float[Tensor, "*group quadrant"]) -> Float[Tensor, "*group quadrant_and_net"]:
    """Shares and, after them, their net reading."""
    return torch.cat([share, net_copy(share)[..., None]], -1)
