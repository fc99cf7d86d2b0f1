"""Which keys a query sees: the causal rule, a boolean mask, or both."""

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


def causal_visible(n_query: int, n_key: int, device: torch.device | None = None) -> Bool[Tensor, "1 1 query key"]:
    """True where key s is not after query t; the queries are the last n_query of the n_key positions."""
    return torch.ones(n_query, n_key, dtype=torch.bool, device=device).tril(n_key - n_query)[None, None]


def visible_keys(
    mask: Bool[Tensor, "..."] | None, causal: bool, n_query: int, n_key: int, device: torch.device
) -> Bool[Tensor, "batch_or_one head_or_one query key"]:
    """The mask, the causal rule, or where both hold; without either every key is visible."""
    visible = torch.ones(1, 1, n_query, n_key, dtype=torch.bool, device=device)
    if causal:
        visible = causal_visible(n_query, n_key, device)
    if mask is None:
        return visible
    return visible & mask


def broadcast_part(value: Shaped[Tensor, "..."], places: tuple[slice, ...]) -> Shaped[Tensor, "..."]:
    """The part at some places of what a tensor broadcasts to, a slice for each axis; an axis of size 1 stays."""
    full = value[(None,) * (len(places) - value.ndim)]
    return full[tuple(place if size > 1 else slice(None) for place, size in zip(places, full.shape, strict=True))]


def visible_count(
    mask: Bool[Tensor, "..."] | None, causal: bool, n_query: int, n_key: int, device: torch.device
) -> Int[Tensor, "... query_or_one"]:
    """How many keys each query sees; no query × key matrix is made that the mask is not."""
    if mask is None:
        before = torch.arange(n_key - n_query + 1, n_key + 1, device=device)
        return before if causal else torch.full_like(before, n_key)
    keys = mask.expand(*mask.shape[:-1], n_key)
    if not causal:
        return keys.sum(-1)
    if keys.ndim == 1 or keys.shape[-2] == 1:
        return (keys if keys.ndim == 1 else keys.squeeze(-2)).cumsum(-1)[..., n_key - n_query :]
    return (causal_visible(n_query, n_key, device) & keys).sum(-1)
