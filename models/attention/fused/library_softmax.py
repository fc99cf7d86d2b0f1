"""Softmax attention without its pattern, by torch's scaled_dot_product_attention."""

from typing import TYPE_CHECKING

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from headscope.models.attention.visibility import visible_keys

if TYPE_CHECKING:
    from headscope.models.attention.variant import PreparedInputs, Variant


def fused_softmax(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch head key d_head"],
    mask: Bool[Tensor, "..."] | None,
    scale: float,
    causal: bool,
) -> Float[Tensor, "batch head query d_value"]:
    """The output of softmax attention; a row without a visible key is all zeros."""
    q, v, factor = prepared.q, prepared.v, scale
    if scale <= 0:  # torch masks before it scales, and -inf times 0 or less hides nothing
        q, factor = q * scale, 1.0
    if mask is None and q.shape[2] in (1, k.shape[2]):
        if q.shape[2] == 1:  # a statement: as a value, torch.compile has a symbol for it, which is refused
            causal = False
        output = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=factor)
        lost = 0 * q.sum(-1, keepdim=True)  # a short row's NaN query would come out as 0
        return output + lost if output.requires_grad else output.add_(lost)
    visible = visible_keys(mask, causal, q.shape[2], k.shape[2], q.device)
    dead = ~visible.any(-1, keepdim=True)
    output = scaled_dot_product_attention(q, k, v, attn_mask=visible | dead, scale=factor)
    return output.masked_fill(dead, 0.0)
