"""Measures: numbers of one row of a signed pattern, in its weights a and their shares b = abs(a) / Σ abs(a).

Weights of masked keys are exactly 0. A row of zeros has NaN where b is asked for.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def weight_shares(
    magnitude: Float[Tensor, "*batch query key"], total: Float[Tensor, "*batch query"]
) -> Float[Tensor, "*batch query key"]:
    """b of abs(a) and Σ abs(a); unchanged by a → −a and by the scale of a row."""
    return magnitude / total[..., None]


def row_negative_mass(
    total: Float[Tensor, "*batch query"], signed_sum: Float[Tensor, "*batch query"]
) -> Float[Tensor, "*batch query"]:
    """Σ abs(a)·1[a < 0] / Σ abs(a) of Σ abs(a) and Σ a, in [0, 1]; a → −a turns m into 1 − m."""
    return (total - signed_sum) / (2 * total)


def minority_mass(negative_mass: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """min(m, 1 − m) of a negative mass m: the share of the rarer sign, which a → −a leaves alone."""
    return torch.minimum(negative_mass, 1 - negative_mass)


def entropy(b: Float[Tensor, "*batch query key"]) -> Float[Tensor, "*batch query"]:
    """−Σ b ln b in nats, in [0, ln n] for n visible keys."""
    return -b.clamp_min(torch.finfo(b.dtype).tiny).log_().mul_(b).sum(-1)


def top_mass(b: Float[Tensor, "*batch query key"], top: int) -> Float[Tensor, "*batch query"]:
    """The sum of the `top` largest shares."""
    return b.topk(min(top, b.shape[-1]), sorted=False).values.sum(-1)


def mean_distance(
    b: Float[Tensor, "*batch query key"], position: Int[Tensor, "query"]
) -> Float[Tensor, "*batch query"]:
    """Σ b · abs(t − s) in tokens, t the query's position; t − s wherever nothing after the query is seen."""
    distance = position[:, None].to(b.dtype) - torch.arange(b.shape[-1], device=b.device, dtype=b.dtype)
    return torch.einsum("...qk,qk->...q", b, distance.abs_())


def mass_at(b: Float[Tensor, "*batch query key"], key: Int[Tensor, "query"]) -> Float[Tensor, "*batch query"]:
    """The share of one key per row; 0 where that key would be before the first."""
    rows = torch.arange(b.shape[-2], device=b.device)
    return b[..., rows, key.clamp_min(0)].where(key >= 0, 0.0)


def sharpness(
    b: Float[Tensor, "*batch query key"], visible_keys: Int[Tensor, "*#batch query"]
) -> dict[str, Float[Tensor, "*batch query"]]:
    """How evenly the shares are spread over the n visible keys.

    participation: 1/Σb², how many keys of equal weight would be as concentrated, in [1, n]. normalised_entropy H / ln n
    and spikiness 1/(n Σb²) are 1 for equal weights.
    """
    nats, peers, n = entropy(b), b.norm(dim=-1) ** -2, visible_keys.to(b.dtype)
    return {"entropy": nats, "normalised_entropy": nats / n.log(), "participation": peers, "spikiness": peers / n}


def measures(
    pattern: Float[Tensor, "*batch query key"],
    visible_keys: Int[Tensor, "*#batch query"],
    position: Int[Tensor, "query"],
    top: int,
) -> dict[str, Float[Tensor, "*batch query"]]:
    """All of them, by name."""
    magnitude, signed_sum = pattern.abs(), pattern.sum(-1)
    total = magnitude.sum(-1)
    b = weight_shares(magnitude, total)
    return {
        **sharpness(b, visible_keys),
        "top_mass": top_mass(b, top),
        "max_share": b.amax(-1),
        "negative_mass": row_negative_mass(total, signed_sum),
        "signed_sum": signed_sum,
        "row_norm": pattern.norm(dim=-1),
        **position_measures(b, position),
    }


def measures_of_equal_weights(
    visible: Bool[Tensor, "*batch query key"], position: Int[Tensor, "query"], top: int, dtype: torch.dtype
) -> dict[str, Float[Tensor, "*batch query"]]:
    """What those measures that chance has a say in are for b = 1/n on the n visible keys."""
    n = visible.sum(-1).to(dtype)
    b = weight_shares(visible.to(dtype), n)
    return {"top_mass": n.clamp(max=top) / n, "max_share": 1 / n, **position_measures(b, position)}


def position_measures(
    b: Float[Tensor, "*batch query key"], position: Int[Tensor, "query"]
) -> dict[str, Float[Tensor, "*batch query"]]:
    """Where the shares lie."""
    return {
        "mean_distance": mean_distance(b, position),
        "diagonal_mass": mass_at(b, position),
        "previous_token_mass": mass_at(b, position - 1),
        "first_token_mass": b[..., 0],
    }
