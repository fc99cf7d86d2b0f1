"""Softmax attention: a = exp(p) / Σ exp(p), p = S/√d (Vaswani et al. 2017, eq. 1)."""

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.element import Element
from headscope.models.attention.fused.library_softmax import fused_softmax
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.masked import masked_softmax, softmax_pullback
from headscope.models.attention.row_law import RowLaw
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
    return softmax_pullback(pattern, grad_pattern)


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: Float[Tensor, "*heads query 1"] | None,
) -> Float[Tensor, "*heads query 1"]:
    """e^p in place; returns Σ e^p."""
    if shift is not None:
        scores -= shift
    return hidden.cleared(scores.exp_()).sum(-1, keepdim=True)


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
) -> None:
    """∂L/∂p = a (∂L/∂a − δ) in place, the scores becoming a."""
    hidden.cleared(scores.sub_(total).exp_())
    grad.sub_(delta).mul_(scores)


def exponent(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """p itself, of the weights before Σ."""
    return score


def exponent_slope(score: "Float[Tensor, '*cells']", power: int) -> float:
    """Its derivative."""
    return 1.0


BLOCKS = BlockKernel(numerators, gradients, exponent=lambda scores, work: work.copy_(scores))
ELEMENT = Element(exponent, exponent_slope, is_exponential=True)

SOFTMAX = Variant(
    name="softmax",
    paper="Vaswani et al. 2017, arXiv 1706.03762",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=True,
    fused=fused_softmax,
    blocks=BLOCKS,
    element=lambda kernel: ELEMENT,
    slope=softmax_slope,
)
