"""Softmax attention without its pattern, by torch's scaled_dot_product_attention."""

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from headscope.models.attention.fused.block_shapes import runs_in_triton
from headscope.models.attention.fused.blockwise import blockwise_attention
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.visibility import visible_keys

if TYPE_CHECKING:
    from headscope.models.attention.variant import PreparedInputs, Variant

SHORT = 64  # no processor's vectors are wider


def fused_softmax(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch kv_head key d_head"],
    rule: ScoreRule,
) -> Float[Tensor, "batch head query d_value"]:
    """The output of softmax attention; a row without a visible key is all zeros. torch knows no soft cap."""
    q, v, is_square = prepared.q, prepared.v, prepared.q.shape[2] in (1, k.shape[2])
    masks = rule.mask is not None or not is_square
    if rule.soft_cap is not None or (masks and runs_in_triton(variant.element(prepared.kernel), q, v)):
        return blockwise_attention(variant, prepared, k, rule)
    factor, causal, grouped = rule.scale, rule.causal, q.shape[1] != k.shape[1]
    if factor <= 0:  # torch masks before it scales, and -inf times 0 or less hides nothing
        q, factor = q * factor, 1.0
    if not masks:
        if q.shape[2] == 1:  # a statement: as a value, torch.compile has a symbol for it, which is refused
            causal = False
        output = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=factor, enable_gqa=grouped)
        # On a processor a NaN query of fewer keys than its vectors are wide would come out as 0.
        return output if k.shape[2] > SHORT else output + 0 * q.sum(-1, keepdim=True)
    visible = visible_keys(rule.mask, causal, q.shape[2], k.shape[2], q.device)
    dead = ~visible.any(-1, keepdim=True)
    output = scaled_dot_product_attention(q, k, v, attn_mask=visible | dead, scale=factor, enable_gqa=grouped)
    return output.masked_fill(dead, 0.0)
