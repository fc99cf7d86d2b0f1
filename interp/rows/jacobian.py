"""Jacobian norm: how strongly a row of weights answers to its scores, ‖∂a/∂p‖_F in closed form, kernel by kernel.

In w = abs(a) and the slopes u_j = abs(f'(p_j)) / Σf a normalised kernel has
    ‖∂a/∂p‖² = Σ_j u_j² (1 − 2 w_j + Σ w²);
softmax, selective and cog have u = w, which makes it Σw² − 2Σw³ + (Σw²)²; expressive f = p²/(1 + p²). Polynomial
attention is element-wise: ‖c · power · p^(power − 1)‖. Where a kernel jumps (cog at p = 0) the jump is left out.
Slopes are squared over the largest of their row, so that none of any size overflows or vanishes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Norm = Callable[[Tensor, Tensor, int | float | None], Tensor]


def jacobian_norm(
    variant: str,
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    power: int | float | None = None,
    visible: Bool[Tensor, "*#batch query key"] | None = None,
) -> Float[Tensor, "*batch query"]:
    """‖∂a/∂p‖_F of every row, p the scores as the kernel weighs them; power is polynomial attention's.

    visible: which keys a query sees. Without it a score of exactly 0 is taken for a visible one, which says something
    for power 1 alone; other masked keys are known by their weight of 0. Raises ValueError for a variant without a
    closed form here.
    """
    if variant not in NORMS:
        raise ValueError(f"no closed form of the Jacobian is known for {variant!r}; known: {', '.join(NORMS)}")
    return NORMS[variant](pattern, scores if visible is None else scores.where(visible, -torch.inf), power)


def _softmax(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    magnitude = pattern.abs()
    return _normalised(magnitude, magnitude)


def _expressive(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    """f'/Σf = 2a / (p (1 + p²)), written so that neither a tiny nor a huge score overflows."""
    slope = (2 * pattern / scores / (1 + scores.square())).where(scores != 0, 0.0)
    unit = _unit(slope)
    return unit[..., 0] * _normalised(pattern.clone(), slope / unit)


def _polynomial(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    """c · power · p^(power − 1) = power · a / p, so that c need not be known.

    Where a is lost (p = 0 of power 1, overflow, few digits) the slope comes from that of the row's largest finite
    weight, by powers of the ratio of scores; NaN in a row without one, which tells no c.
    """
    if power is None:
        raise ValueError("the Jacobian norm of polynomial attention needs its power, a whole number from 1")
    weight, size = pattern.abs(), scores.abs()
    lost = (weight < torch.finfo(weight.dtype).tiny) | weight.isinf()
    flat = (weight == 0) & ((size != 0) | (power != 1))
    largest, place = weight.where(~weight.isinf(), 0.0).max(-1, keepdim=True)
    known = size.gather(-1, place)
    of_largest = (largest / known).masked_fill(largest == 0, torch.nan)
    slope = torch.where(lost, of_largest * (size / known) ** (power - 1), weight / size).where(~flat, 0.0)
    unit = _unit(slope)
    return power * unit[..., 0] * (slope / unit).norm(dim=-1)


def _unit(slope: Float[Tensor, "*batch query key"]) -> Float[Tensor, "*batch query 1"]:
    """The largest finite slope of every row, 1 where all are 0."""
    peak = slope.abs().amax(-1, keepdim=True).clamp(max=torch.finfo(slope.dtype).max)
    return peak.masked_fill(peak == 0, 1.0)


def _normalised(
    w: Float[Tensor, "*batch query key"], u: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query"]:
    """The largest weight apart from the others, as 1 − 2w + Σw² cancels where it is nearly 1. Clears it in w and u."""
    peak, place = w.max(-1, keepdim=True)
    of_peak = u.gather(-1, place).square()
    others, slopes = w.scatter_(-1, place, 0.0), u.scatter_(-1, place, 0.0).square()
    rest = others.norm(dim=-1, keepdim=True).square()
    of_peak = of_peak * ((1 - peak).square() + rest)
    of_others = (1 + peak.square() + rest) * slopes.sum(-1, keepdim=True)
    of_others -= 2 * slopes.mul_(others).sum(-1, keepdim=True)
    return (of_peak + of_others).squeeze(-1).sqrt()


NORMS: dict[str, Norm] = {
    "softmax": _softmax,
    "cog": _softmax,
    "expressive": _expressive,
    "selective": _softmax,
    "polynomial": _polynomial,
}


def power_of(pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"]) -> int | None:
    """The power of polynomial attention, read off one row: the slope of ln abs(a) on ln abs(p) in a = c p^power.

    None where no row has two weights of different size.
    """
    size, height = scores.abs().where(pattern != 0, torch.nan).log(), pattern.abs().where(pattern != 0, torch.nan).log()
    spread = size.nan_to_num(-torch.inf).amax(-1) - size.nan_to_num(torch.inf).amin(-1)
    reach = height.nan_to_num(-torch.inf).amax(-1) - height.nan_to_num(torch.inf).amin(-1)
    widest = int(spread.flatten().argmax())
    width = float(spread.flatten()[widest])
    return round(float(reach.flatten()[widest]) / width) if 0 < width < torch.inf else None
