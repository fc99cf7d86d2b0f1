"""Similar heads: how alike the attention of heads is on one prompt, whatever its sign and scale."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.about import About
from interp.result import Result

SAME = 1e-6
ABOUT = About(
    title="Heads like this one",
    unit="1",
    law="cosine of the two heads' shares b = |A|/Σ|A| over all queries and keys, signs left out",
    source="headscope",
    null="the mean over all heads but itself: how alike any other head is to this one",
    plain="Which heads attend to the same places as this one, whatever their sign and scale.",
)


@dataclass(frozen=True, repr=False)
class SimilarHeads(Result):
    """How alike every head is to one head, in [0, 1]; 1 for itself. No change of gauge touches it."""

    value: Float[Tensor, "layer head"]
    value_null: Float[Tensor, "layer head"]
    value_null_spread: Float[Tensor, "layer head"]


def similar_heads(
    one: Float[Tensor, "own_query own_key"], patterns: Float[Tensor, "layer head query key"]
) -> SimilarHeads:
    """How alike the heads of a run, of the same model or of another, are to one head on the same tokens.

    Raises ValueError for patterns of other lengths.
    """
    if one.shape != patterns.shape[2:]:
        raise ValueError(
            f"heads are compared on the same tokens; one pattern is {tuple(one.shape)}, the others are "
            f"{tuple(patterns.shape[2:])}: choose models with one tokenizer"
        )
    value = torch.einsum("qk,lhqk->lh", unit(one), unit(patterns)).clamp(0, 1)
    others = value[value < 1 - SAME]
    mean, spread = others.mean().expand_as(value), others.std(correction=0).expand_as(value)
    return SimilarHeads(value, mean, spread, about=ABOUT)


def unit(pattern: Float[Tensor, "*head query key"]) -> Float[Tensor, "*head query key"]:
    """Shares as one vector of length 1 per head; a head of zeros stays one."""
    magnitude = pattern.abs()
    shares = magnitude / magnitude.sum(-1, keepdim=True).clamp_min(torch.finfo(pattern.dtype).tiny)
    return shares / shares.norm(dim=(-2, -1), keepdim=True).clamp_min(torch.finfo(pattern.dtype).tiny)
