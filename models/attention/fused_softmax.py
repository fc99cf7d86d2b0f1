"""Softmax attention without its pattern, by torch's scaled_dot_product_attention."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from models.attention.visibility import visible_keys

if TYPE_CHECKING:
    from models.attention.variant import Variant


def fused_softmax(
    variant: "Variant",
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch head key d_head"],
    v: Float[Tensor, "batch head key d_value"],
    mask: Bool[Tensor, "..."] | None,
    scale: float,
    causal: bool,
    kernel: Mapping[str, Any],
) -> Float[Tensor, "batch head query d_value"]:
    """The output of softmax attention; a row without a visible key is all zeros."""
    if mask is None and q.shape[2] in (1, k.shape[2]):
        return scaled_dot_product_attention(q, k, v, is_causal=causal and q.shape[2] > 1, scale=scale)
    visible = visible_keys(mask, causal, q.shape[2], k.shape[2], q.device)
    dead = ~visible.any(-1, keepdim=True)
    output = scaled_dot_product_attention(q, k, v, attn_mask=visible | dead, scale=scale)
    return output.masked_fill(dead, 0.0)
