"""Tensors made wider: half precisions to float32, heads of keys to those of queries, numbers of heads to all cells."""

import torch
from jaxtyping import Float
from torch import Tensor


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """float32 for half precisions; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def repeated_kv_heads(x: Float[Tensor, "batch kv_head pos d"], n_heads: int) -> Float[Tensor, "batch head pos d"]:
    """Each key or value head repeated for the query heads that share it."""
    return x.repeat_interleave(n_heads // x.shape[1], dim=1) if x.shape[1] != n_heads else x


def over_cells(of_heads: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """A number per head [head] as what broadcasts to [batch, head, query, key]; any other shape does so as it is."""
    return of_heads[:, None, None] if of_heads.ndim == 1 else of_heads
