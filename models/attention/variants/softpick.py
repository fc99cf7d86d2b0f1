"""Softpick attention: a = relu(e^p − 1) / Σ |e^p − 1|, softmax with exact zeros and no sink (Zuhri et al. 2025, arXiv
2504.20966, eq. 3).

A score below 0 has no weight and still counts below the line. The paper adds 1e-8 to the shifted sum against a division
by 0; here nothing is added, and a row whose scores are all exactly 0 is all zeros.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.blockwise import blockwise_attention
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.jacobian import largest_slope, normalised_slope, row_norm
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant


def shifted_rise(scores: Float[Tensor, "*rows key"], peak: Float[Tensor, "*rows 1"]) -> Float[Tensor, "*rows key"]:
    """(e^p − 1) e^(−peak), of a peak from 0; by expm1 near 0, where the difference of exponentials has no digits."""
    near = (torch.expm1(scores.clamp_max(1.0))) * (-peak).exp()
    return torch.where(scores > 1, (scores - peak).exp() - (-peak).exp(), near)


def peak_of(scores: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows 1"]:
    """The largest score of each row, 0 at least, without a gradient: it cancels."""
    return scores.detach().amax(-1, keepdim=True).clamp_min(0.0)


def exponentials(scores: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows key"]:
    """e^p / Σ |e^p − 1| of every score, a sum of 0 taken for 1."""
    peak = peak_of(scores)
    total = shifted_rise(scores, peak).abs().sum(-1, keepdim=True)
    return (scores - peak).exp() / total.masked_fill(total == 0, 1.0)


def weigh(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights with exact zeros, Σa ≤ 1."""
    visible_scores = scores.masked_fill(~visible, 0.0)
    rise = shifted_rise(visible_scores, peak_of(visible_scores))
    total = rise.abs().sum(-1, keepdim=True)
    return rise.relu() / total.masked_fill(total == 0, 1.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = e^p / Σ|e^p − 1| · (∂L/∂a where p > 0, less sign(p) Σ a ∂L/∂a); 0 at the corner p = 0."""
    visible_scores = scores.masked_fill(~visible, 0.0)
    sign, delta = visible_scores.sign(), (pattern * grad_pattern).sum(-1, keepdim=True)
    return exponentials(visible_scores) * (grad_pattern * sign.clamp_min(0.0) - sign * delta)


def slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query"]:
    """With u = e^p / Σ|e^p − 1|: Σ u² (1 − 2a + Σ a²) of the scores above 0, and Σ u² Σ a² of those below."""
    visible_scores = scores.masked_fill(scores == -torch.inf, 0.0)
    heights = exponentials(visible_scores)
    below = row_norm(heights.masked_fill(visible_scores >= 0, 0.0)) * row_norm(pattern)
    heights = heights.masked_fill(visible_scores <= 0, 0.0)
    unit = largest_slope(heights)
    return torch.hypot(below, unit[..., 0] * normalised_slope(pattern.clone(), heights / unit))


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: Float[Tensor, "*heads query 1"] | None,
) -> Float[Tensor, "*heads query 1"]:
    """relu(e^p − 1) in place; returns Σ |e^p − 1|."""
    if shift is None:
        scores.expm1_()
    else:
        scores.sub_(shift).exp_().sub_((-shift).exp_())
    total = torch.abs(hidden.cleared(scores), out=work).sum(-1, keepdim=True)
    scores.relu_()
    return total


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
) -> None:
    """∂L/∂p = e^p / Σ|e^p − 1| (∂L/∂a where p > 0, less sign(p) δ) in place, the scores becoming a."""
    sign, rise = hidden.cleared(scores.sign()), hidden.cleared(shifted_rise(scores, total))
    hidden.cleared(torch.sub(scores, total, out=work).exp_())
    grad.mul_(sign.relu()).sub_(sign.mul_(delta)).mul_(work)
    torch.clamp(rise, min=0.0, out=scores)


BLOCKS = BlockKernel(
    numerators, gradients, exponent=lambda scores, work: torch.clamp(scores, min=0.0, out=work), smallest=1e-30
)


def fused(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """The output without its pattern, by blocks; their exponent bounds the weights, and is not their logarithm."""
    return blockwise_attention(replace(variant, blocks=BLOCKS), prepared, k, rule)


SOFTPICK = Variant(
    name="softpick",
    paper="Zuhri et al. 2025, arXiv 2504.20966",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.SUB_STOCHASTIC,
    invariant_to_key_translation=False,
    fused=fused,
    slope=slope,
)
