"""Tensors made wider: half precisions to float32, key and value heads to the query heads that share them."""

import torch
from jaxtyping import Float
from torch import Tensor


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """float32 for half precisions; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def repeated_kv_heads(x: Float[Tensor, "batch kv_head pos d"], n_heads: int) -> Float[Tensor, "batch head pos d"]:
    """Each key or value head repeated for the query heads that share it."""
    return x.repeat_interleave(n_heads // x.shape[1], dim=1) if x.shape[1] != n_heads else x
