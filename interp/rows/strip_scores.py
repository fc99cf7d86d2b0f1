"""The scores of a strip of rows, and what equal weights over the keys that they see would be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.rows.measures import measures_of_equal_weights
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.scratch import Scratch

Weights = Float[Tensor, "*heads query key"]
OfRows = Float[Tensor, "*heads query"]


@dataclass(frozen=True)
class EqualWeights:
    """What equal weights over the visible keys of some rows would be, and how many there are; the same for heads."""

    visible_keys: Int[Tensor, "_ _ query"]
    measures: Mapping[str, Float[Tensor, "_ _ query"]]


def equal_weights(
    visible: Callable[[], Bool[Tensor, "_ _ query key"]],
    is_whole_past: bool,
    position: Int[Tensor, "query"],
    top: int,
    dtype: torch.dtype,
) -> EqualWeights:
    """Those of a mask; is_whole_past: each row sees every key up to its own position, and no mask is made."""
    if is_whole_past:
        return equal_weights_of_the_past(position, top, dtype)
    mask = visible()
    return EqualWeights(mask.sum(-1), measures_of_equal_weights(mask, position, top, dtype))


def equal_weights_of_the_past(position: Int[Tensor, "query"], top: int, dtype: torch.dtype) -> EqualWeights:
    """Those of rows that see every key up to their own position."""
    n = (position + 1)[None, None]
    share = 1 / n.to(dtype)
    measures = {
        "top_mass": n.clamp(max=top) * share,
        "max_share": share,
        "mean_distance": position[None, None].to(dtype) / 2,
        "diagonal_mass": share,
        "previous_token_mass": share.where(n > 1, 0.0),
        "first_token_mass": share,
    }
    return EqualWeights(n, measures)


@dataclass(frozen=True)
class StripScores:
    """The scores of some rows, hidden ones -inf; visible: which are not, for a kernel that asks; first: the position of
    the first row; causal: all that a row sees is not after it."""

    scores: Weights
    hidden: Hidden
    visible: Callable[[], Bool[Tensor, "_ _ query key"]]
    position: Int[Tensor, "query"]
    first: int
    equal: EqualWeights
    causal: bool
    scratch: Scratch


def distance_back(weights: Weights, position: Int[Tensor, "query"], total: OfRows) -> OfRows:
    """Σ w (t − s) of rows that see nothing after their query, Σ w given: from the last, where a float loses least."""
    keys, last = torch.arange(weights.shape[-1], device=weights.device, dtype=weights.dtype), position[-1]
    return weights @ (last - keys) - (last - position) * total
