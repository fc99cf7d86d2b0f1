"""Jacobian norm: how strongly a row of weights answers to its scores, ‖∂a/∂p‖_F in closed form, kernel by kernel.

In w = abs(a) and the slopes u_j = abs(f'(p_j)) / Σf a normalised kernel has
    ‖∂a/∂p‖² = Σ_j u_j² (1 − 2 w_j + Σ w²);
softmax, selective and cog have u = w, which makes it Σw² − 2Σw³ + (Σw²)²; expressive f = p²/(1 + p²). Polynomial
attention is element-wise: ‖c · power · p^(power − 1)‖. Where a kernel jumps (cog at p = 0) the jump is left out.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Norm = Callable[[Tensor, Tensor, int | float | None], Tensor]


def jacobian_norm(
    variant: str,
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    power: int | float | None = None,
) -> Float[Tensor, "*batch query"]:
    """‖∂a/∂p‖_F of every row, p the scores as the kernel weighs them; power is polynomial attention's.

    Raises ValueError for a variant without a closed form here.
    """
    if variant not in NORMS:
        raise ValueError(f"no closed form of the Jacobian is known for {variant!r}; known: {', '.join(NORMS)}")
    return NORMS[variant](pattern, scores, power)


def _softmax(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    magnitude = pattern.abs()
    return _normalised(magnitude, magnitude)


def _expressive(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    """f'/Σf = 2a / (p (1 + p²)), written so that neither a tiny nor a huge score overflows."""
    slope = 2 * pattern / scores / (1 + scores.square())
    return _normalised(pattern.clone(), slope.where(scores != 0, 0.0))


def _polynomial(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], power: int | float | None
) -> Float[Tensor, "*batch query"]:
    """c · power · p^(power − 1) = power · a / p, so that c need not be known; a score of exactly 0 is left out."""
    if power is None:
        raise ValueError("the Jacobian norm of polynomial attention needs its power, a whole number from 1")
    return (power * pattern / scores).where(scores != 0, 0.0).norm(dim=-1)


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
