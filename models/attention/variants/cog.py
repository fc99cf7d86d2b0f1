"""Cog attention: a = sign(p) · softmax(|p|), so a weight may be negative (Lv et al. 2024, arXiv 2411.07176)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.element import Element
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.masked import masked_softmax
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Variant


def weigh(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Signed weights, Σ|a| = 1 unless a score is exactly 0: that one weighs 0 but counts e⁰ in the denominator."""
    weights = masked_softmax(scores.abs(), visible)
    return weights * scores.sign()  # made last: each of the two is as large as all scores


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "batch head query key"]:
    """∂a_i/∂p_j = |a_i| δ_ij − a_i a_j, almost everywhere (the sign jumps at p = 0)."""
    return pattern.abs() * grad_pattern - pattern * (pattern * grad_pattern).sum(-1, keepdim=True)


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: Float[Tensor, "*heads query 1"] | None,
) -> Float[Tensor, "*heads query 1"]:
    """sign(p) e^|p| in place; returns Σ e^|p|."""
    torch.abs(scores, out=work)
    if shift is not None:
        work -= shift
    total = hidden.cleared(work.exp_()).sum(-1, keepdim=True)
    scores.sign_().mul_(work)
    return total


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
) -> None:
    """∂L/∂p = |a| ∂L/∂a − a δ = a (sign(p) ∂L/∂a − δ) in place, the scores becoming a."""
    hidden.cleared(torch.abs(scores, out=work).sub_(total).exp_())
    scores.sign_()
    grad.mul_(scores).sub_(delta)
    grad.mul_(scores.mul_(work))


def exponent(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """|p|, of the magnitudes before Σ."""
    return score.abs()


def exponent_slope(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """sign(p)."""
    return 1.0 * (score > 0) - 1.0 * (score < 0)


ELEMENT = Element(exponent, exponent_slope, is_exponential=True, is_signed=True)

COG = Variant(
    name="cog",
    paper="Lv et al. 2024, arXiv 2411.07176",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.L1,
    invariant_to_key_translation=False,
    blocks=BlockKernel(numerators, gradients, exponent=lambda scores, work: torch.abs(scores, out=work)),
    element=lambda kernel: ELEMENT,
    parity=lambda options: "odd",
    slope=softmax_slope,
)
