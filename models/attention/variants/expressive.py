"""Expressive attention: a = f(z)/Σf(z), f = z²/(1+z²) (Gros 2024, arXiv 2407.18601).

Parallel and antiparallel queries and keys both attend; orthogonal ones do not.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import BackwardCFunction, FunctionCtx

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.element import Element
from headscope.models.attention.jacobian import largest_slope, normalised_slope
from headscope.models.attention.options import Options
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Variant


class RootOfF(torch.autograd.Function):
    """√f with its sign, z/√(1+z²); its slope 1/(1+z²)^(3/2) taken as it is, where the quotient's would cancel."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        ctx.save_for_backward(scores)
        return scores / length_of(scores)

    @staticmethod
    def backward(ctx: BackwardCFunction, grad_root: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:  # type: ignore[override]
        (scores,) = ctx.saved_tensors
        return grad_root / length_of(scores).pow(3)


def length_of(scores: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """√(1+z²), without overflow."""
    return torch.hypot(torch.ones_like(scores), scores)


class ScaledRoot(NamedTuple):
    """√f with its sign over the row's largest magnitude (peak), and the sum of its squares; 1 stands for a sum of 0."""

    root: Float[Tensor, "batch head query key"]
    peak: Float[Tensor, "batch head query 1"]
    total: Float[Tensor, "batch head query 1"]


def scaled_root(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> ScaledRoot:
    """√f of the visible scores, scaled so that 1e-30 and 1e30 both survive squaring."""
    root = torch.as_tensor(RootOfF.apply(scores))  # pyright: ignore[reportUnknownMemberType]
    root = root.masked_fill(~visible, 0.0)
    peak = root.detach().abs().amax(-1, keepdim=True)
    peak = peak.masked_fill(peak == 0, 1.0)
    scaled = root / peak
    total = scaled.square().sum(-1, keepdim=True)
    return ScaledRoot(scaled, peak, total.masked_fill(total == 0, 1.0))


def weigh(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa = 1; a row whose visible f are all 0 is all zeros."""
    scaled = scaled_root(scores, visible)
    return scaled.root.square() / scaled.total


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "batch head query key"]:
    """∂a_i/∂z_j = f'(z_j)(δ_ij − a_i)/Σf with f'(z) = 2z/(1+z²)²."""
    scaled = scaled_root(scores, visible)
    slope = 2 * scaled.root / scaled.peak / scaled.total / length_of(scores).pow(3)
    return slope * (grad_pattern - (pattern * grad_pattern).sum(-1, keepdim=True))


def slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query"]:
    """f'/Σf = 2a / (p (1 + p²)), written so that neither a tiny nor a huge score overflows."""
    size = scores.abs().clamp_min_(torch.finfo(scores.dtype).tiny)  # a score of 0 has no weight
    slopes = size.square().add_(1.0).reciprocal_().mul_(pattern).div_(size)
    unit = largest_slope(slopes)
    return 2 * unit[..., 0] * normalised_slope(pattern.clone(), slopes.div_(unit))


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: None,
) -> Float[Tensor, "*heads query 1"]:
    """f in place; returns Σ f."""
    hidden.cleared(scores.mul_(scores))
    return scores.div_(torch.add(scores, 1.0, out=work)).sum(-1, keepdim=True)


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
) -> None:
    """∂L/∂z = 2z/(1+z²)² (∂L/∂a − δ)/Σf in place, the scores becoming a = z²/(1+z²)/Σf."""
    hidden.cleared(scores)
    torch.mul(scores, scores, out=work).add_(1.0).reciprocal_()
    grad.sub_(delta).mul_(scores).mul_(work).mul_(work).mul_(2.0 / total)
    scores.mul_(scores).mul_(work).div_(total)


def large_f(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """2⁸⁰ f, which is no matter of a = f/Σf, so that 1e-30 survives squaring; exact to |z| of 1e18."""
    share = 1099511627776.0 / (1 + score * score)
    return (1099511627776.0 * score) * (score * share)


def large_slope(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """2⁸⁰ f' = 2⁸⁰ 2z/(1+z²)²."""
    share = 1099511627776.0 / (1 + score * score)
    return 2 * (score * share) * share


ELEMENT = Element(large_f, large_slope)


def check_options(options: Options) -> None:
    scale = options["scale"]
    if type(scale) not in (int, float) or not is_finite_number(scale) or scale <= 0:
        raise ValueError(f"expressive: scale is a finite number above 0, got {scale!r}")


EXPRESSIVE = Variant(
    name="expressive",
    paper="Gros 2024, arXiv 2407.18601",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=False,
    options={"scale": 1.0},
    check_options=check_options,
    blocks=BlockKernel(numerators, gradients, largest=1e18, smallest=1e-24),
    element=lambda kernel: ELEMENT,
    parity=lambda options: "even",
    scale=lambda options, usual: options["scale"],
    slope=slope,
)
