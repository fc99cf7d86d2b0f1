"""Jacobian norm: how strongly a row of weights answers to its scores, ‖∂a/∂p‖_F, for any kernel and in closed form.

In w = abs(a) and the slopes u_j = abs(f'(p_j)) / Σf a normalised kernel has
    ‖∂a/∂p‖² = Σ_j u_j² (1 − 2 w_j + Σ w²);
the softmax of scores or of their magnitudes has u = w, which makes it Σw² − 2Σw³ + (Σw²)².
Slopes are squared over the largest of their row, so that none of any size overflows or vanishes.
"""

from collections.abc import Callable
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.largest import largest_entries
from headscope.models.attention.options import Options


def norm_by_pullback(
    pullback: Callable[..., Tensor],
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    visible: Bool[Tensor, "*#batch query key"],
    kernel: Options,
) -> Float[Tensor, "*batch query"]:
    """‖∂a/∂p‖_F of every row, exact for every kernel: one pullback of a unit vector per key, n² steps a row of n."""
    visible_scores, norm = scores.masked_fill(~visible, 0.0), torch.zeros_like(scores[..., 0])
    for key in range(scores.shape[-1]):
        unit = torch.zeros_like(scores)
        unit[..., key] = 1.0
        norm = torch.hypot(norm, row_norm(pullback(visible_scores, visible, pattern, unit, **kernel)))
    return norm


def softmax_slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query"]:
    """Of weights whose magnitudes are a softmax: u = w, in few passes of one copy."""
    others = pattern.abs()
    peak, place = largest_entries(others, 1)
    others.scatter_(-1, place, 0.0)
    rest, peak = row_norm(others).square(), peak.squeeze(-1)
    cubes = others.pow_(3).sum(-1)
    of_peak = peak.square() * ((1 - peak).square() + rest)
    return (of_peak + (1 + peak.square() + rest) * rest - 2 * cubes).sqrt()


def normalised_slope(
    w: Float[Tensor, "*batch query key"], u: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query"]:
    """The largest weight apart from the others, as 1 − 2w + Σw² cancels where it is nearly 1. Clears it in w and u."""
    peak, place = largest_entries(w, 1)
    of_peak = u.gather(-1, place).square()
    others, slopes = w.scatter_(-1, place, 0.0), u.scatter_(-1, place, 0.0).square()
    rest = row_norm(others)[..., None].square()
    of_peak = of_peak * ((1 - peak).square() + rest)
    of_others = (1 + peak.square() + rest) * slopes.sum(-1, keepdim=True)
    of_others -= 2 * slopes.mul_(others).sum(-1, keepdim=True)
    return (of_peak + of_others).squeeze(-1).sqrt()


def largest_slope(slope: Float[Tensor, "*batch query key"]) -> Float[Tensor, "*batch query 1"]:
    """The largest finite slope of every row, 1 where all are 0."""
    peak = slope.abs().amax(-1, keepdim=True).clamp(max=torch.finfo(slope.dtype).max)
    return peak.masked_fill(peak == 0, 1.0)


def row_norm(rows: Float[Tensor, "*batch key"]) -> Float[Tensor, "*batch"]:
    """The Euclidean norm of every row."""
    return cast(Tensor, rows.norm(dim=-1))  # pyright: ignore[reportUnknownMemberType]
