"""Attention against contribution: does a head push a name as much as it attends to it?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result

ABOUT = About(
    title="Attention against contribution",
    unit="weight and logits before the final scale; r is a pure number",
    law="x = Σ A[END, positions of the name], y = ⟨head's output at END, W_U[:, name] − mean of W_U⟩; "
    "r their Pearson correlation",
    source="Lv et al. 2024 (arXiv 2411.07176); Wang et al. 2022, section 3.1",
    null="contributions dealt anew among the points, |r|",
    by_gauge={"odd": ("correlation", "attention"), "scale": ("attention",)},
    plain="Does a head raise the tokens it attends to? Every token of the prompt is a point: how much it is attended "
    "to, against what the head adds to its logit.",
)


@dataclass(frozen=True)
class NamePoints:
    """x and y of every head for the names of one prompt."""

    attention: Float[Tensor, "layer head name"]
    contribution: Float[Tensor, "layer head name"]


@dataclass(frozen=True, repr=False)
class AttentionContribution(Result):
    """Pearson r over the points of all prompts, and the points; NaN where a head has no spread.

    An odd kernel's flip turns the signs of attention and r; strength = |r| stays.
    """

    drawn_by = "deletion:attention_contribution_figure"

    correlation: Float[Tensor, "layer head"]
    strength: Float[Tensor, "layer head"]
    strength_null: Float[Tensor, "layer head"]
    strength_null_spread: Float[Tensor, "layer head"]
    attention: Float[Tensor, "layer head point"]
    contribution: Float[Tensor, "layer head point"]


def name_points(
    pattern: Float[Tensor, "layer head query key"],
    z: Float[Tensor, "layer query head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    positions: Bool[Tensor, "name key"],
    unembeddings: Float[Tensor, "d_model name"],
) -> NamePoints:
    """The points of one prompt; positions: which keys hold each name. ValueError for a name that is not there."""
    if not bool(positions.any(-1).all()):
        raise ValueError(f"name {int(positions.any(-1).int().argmin())} is at no position of the prompt")
    places = positions.T.to(pattern.dtype)
    attention = [layer[:, -1] @ places for layer in pattern]
    contribution = [torch.einsum("he,hem->hm", *layer) @ unembeddings for layer in zip(z[:, -1], W_O, strict=True)]
    return NamePoints(torch.stack(attention), torch.stack(contribution))


def attention_contribution(points: Sequence[NamePoints], names: Sequence[str] = ()) -> AttentionContribution:
    """The correlation over the points of several prompts; names: one label per point. One point has no correlation."""
    attention = torch.cat([point.attention for point in points], -1)
    contribution = torch.cat([point.contribution for point in points], -1)
    count = attention.shape[-1]

    def dealt(dice: torch.Generator) -> Float[Tensor, "layer head"]:
        return pearson(attention, contribution[..., torch.randperm(count, generator=dice)]).abs()

    r, null = pearson(attention, contribution), null_of(dealt)
    labels = {"point": tuple(names)} if names else {}
    return AttentionContribution(
        r, r.abs(), null.mean, null.spread, attention, contribution, about=ABOUT, labels=labels
    )


def pearson(x: Float[Tensor, "*group point"], y: Float[Tensor, "*group point"]) -> Float[Tensor, "*group"]:
    """Pearson's r in float64, means first."""
    dx, dy = (item.double() - item.double().mean(-1, keepdim=True) for item in (x, y))
    r = (dx * dy).sum(-1) / (dx.norm(dim=-1) * dy.norm(dim=-1))
    return r.to(x.dtype)
