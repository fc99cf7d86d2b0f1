"""The function that transformers calls instead of its softmax attention, and the mask it is handed."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from models.attention import Attention
from models.attention.attend import at_least_float32, grouped
from models.attention.table import variant_named
from models.attention.visibility import visible_keys
from models.attention_layer import AttentionLayer

NAME = "headscope"


def register() -> None:
    """Make the name known to transformers; calling it again changes nothing."""
    AttentionInterface.register(NAME, variant_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def variant_attention(
    module: Any,
    query: Float[Tensor, "batch head query d_head"],
    key: Float[Tensor, "batch kv_head key d_head"],
    value: Float[Tensor, "batch kv_head key d_head"],
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    temperature_q: Float[Tensor, "batch 1 query"] | None = None,
    visible_count: Int[Tensor, "batch_or_one total"] | None = None,
    need_pattern: bool = False,
    **kwargs: Any,
) -> tuple[Float[Tensor, "batch query head d_head"], Float[Tensor, "batch head query key"] | None]:
    """Attention by the variant that hangs on the module; transformers' attention-interface signature.

    A mask of None means the causal rule; keys behind the queries are then empty slots of a static cache.
    The pattern is returned only when it is asked for.
    """
    layer = module.variant
    if attention_mask is None and query.shape[2] > 1:
        key, value = key[:, :, : query.shape[2]], value[:, :, : query.shape[2]]
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    mask = as_boolean(attention_mask)
    count = None if visible_count is None else counts_of_keys(visible_count, key.shape[2])
    options = layer.call_options(value, temperature_q, count)
    if softcap is None and dropout == 0.0:
        result = layer.attend(query, key, value, mask, factor, need_pattern, **options)
    else:
        result = capped_attention(layer, query, key, value, mask, factor, softcap, dropout, options)
    pattern = result.pattern.to(query.dtype) if need_pattern and result.pattern is not None else None
    return result.output.transpose(1, 2).contiguous(), pattern


def capped_attention(
    layer: AttentionLayer,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Bool[Tensor, "..."] | None,
    scaling: float,
    softcap: float | None,
    dropout: float,
    options: dict[str, Any],
) -> Attention:
    """The plain path with what a fused one has no place for: a soft cap on scores, dropout on weights."""
    n_heads, row = query.shape[1], variant_named(layer.variant.name)
    prepared = row.prepare(at_least_float32(query), grouped(at_least_float32(value), n_heads), **options)
    visible = visible_keys(mask, mask is None, query.shape[2], key.shape[2], query.device)
    scores = (prepared.q * layer.scale(scaling)) @ grouped(at_least_float32(key), n_heads).mT
    scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
    pattern = row.weigh(scores, visible, **prepared.kernel)
    mixed = nn.functional.dropout(pattern, p=dropout, training=layer.training) @ prepared.v
    return Attention(mixed.to(query.dtype), pattern, scores)


def as_boolean(mask: Tensor | None) -> Bool[Tensor, "..."] | None:
    """True where visible; an additive mask hides with the dtype's lowest values."""
    if mask is None or mask.dtype == torch.bool:
        return mask
    return mask > torch.finfo(mask.dtype).min / 2


def counts_of_keys(count: Int[Tensor, "batch_or_one total"], n_key: int) -> Int[Tensor, "batch_or_one key"]:
    """Counts of the keys a layer holds: a sliding window keeps the last, a static cache has empty slots behind."""
    missing = n_key - count.shape[1]
    return count[:, -n_key:] if missing <= 0 else nn.functional.pad(count, (0, missing), value=1)
