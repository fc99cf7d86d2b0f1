"""Similar heads: how alike the attention of heads is on one prompt, whatever its sign and scale."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SURELY_ALIKE = 1 - 1e-5
TINY = 1e-30
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

    drawn_by = "heads:head_score_figure"

    value: Float[Tensor, "layer head"]
    value_null: Float[Tensor, "layer head"]
    value_null_spread: Float[Tensor, "layer head"]


def similar_heads(
    item: Float[Tensor, "own_query own_key"], patterns: Float[Tensor, "layer head query key"]
) -> SimilarHeads:
    """How alike the heads of a run, of the same model or of another, are to one head on the same tokens.

    The null is over all heads but the one, by its place: others that attend as it does count.
    Raises ValueError for patterns of other lengths, and where there is no head but the one.
    """
    if item.shape != patterns.shape[2:]:
        raise ValueError(
            f"heads are compared on the same tokens; one pattern is {tuple(item.shape)}, the others are "
            f"{tuple(patterns.shape[2:])}: choose models with one tokenizer"
        )
    value = torch.stack([likeness(item, layer) for layer in patterns])
    return similar_heads_of_likeness(value, own_place(item, patterns, value))


def similar_heads_of_likeness(value: Float[Tensor, "layer head"], is_own: Bool[Tensor, "layer head"]) -> SimilarHeads:
    """The result of cosines with one head. Raises ValueError where there is no head but the one."""
    others = value[~is_own]
    if not len(others):
        raise ValueError("a head is compared with other heads, and this model has one head alone")
    mean, spread = others.mean().expand_as(value), others.std(correction=0).expand_as(value)
    return SimilarHeads(value, mean, spread, about=ABOUT)


def likeness(item: Float[Tensor, "query key"], others: Float[Tensor, "head query key"]) -> Float[Tensor, "head"]:
    """Cosine of the shares of one head with those of others; one at a time, for all at once are as large as the run."""
    own = magnitude_shares(item)
    unit = own / length(own).clamp_min(TINY)
    cosines = [inner(unit, theirs) / length(theirs).clamp_min(TINY) for theirs in map(magnitude_shares, others)]
    return torch.stack(cosines).clamp(0, 1)


def magnitude_shares(pattern: Float[Tensor, "*heads query key"]) -> Float[Tensor, "*heads query key"]:
    """|A|/Σ|A| of every row; a row of zeros stays one."""
    magnitude = pattern.abs()
    total = magnitude.sum(-1, keepdim=True)
    return magnitude / total.masked_fill(total == 0, 1)


def inner(item: Float[Tensor, "query key"], other: Float[Tensor, "query key"]) -> Float[Tensor, ""]:
    """Σ a·b, row by row: one sum over millions of cells would lose the third digit."""
    return torch.linalg.vecdot(item, other).sum()


def length(pattern: Float[Tensor, "query key"]) -> Float[Tensor, ""]:
    """√(Σ a²)."""
    return inner(pattern, pattern).sqrt()


def own_place(
    item: Float[Tensor, "query key"],
    patterns: Float[Tensor, "layer head query key"],
    value: Float[Tensor, "layer head"],
) -> Bool[Tensor, "layer head"]:
    """Where the head itself stands: one place at most, however many heads attend alike."""
    is_own = torch.zeros_like(value, dtype=torch.bool)
    for layer, head in (value > SURELY_ALIKE).nonzero().tolist():
        if torch.equal(patterns[layer, head], item):
            is_own[layer, head] = True
            break
    return is_own
