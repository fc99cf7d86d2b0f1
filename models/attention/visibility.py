"""Which keys a query sees: the causal rule, a boolean mask, or both."""

import torch
from jaxtyping import Bool
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
