"""Softmax attention: a = exp(p) / Σ exp(p), p = S/√d (Vaswani et al. 2017, eq. 1)."""

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused_softmax import fused_softmax
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.masked import masked_softmax
from headscope.models.attention.variant import Variant


def weigh(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa = 1 over the visible keys."""
    return masked_softmax(scores, visible)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = a ⊙ (∂L/∂a − Σ a ∂L/∂a)."""
    return pattern * (grad_pattern - (pattern * grad_pattern).sum(-1, keepdim=True))


SOFTMAX = Variant(
    name="softmax",
    paper="Vaswani et al. 2017, arXiv 1706.03762",
    weigh=weigh,
    pullback=pullback,
    non_negative=True,
    rows_sum_to_one=True,
    invariant_to_key_translation=True,
    fused=fused_softmax,
    slope=softmax_slope,
)
