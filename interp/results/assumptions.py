"""Assumptions: what an analysis needs of a pattern, checked on the pattern itself and refused in one sentence."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About

TOLERANCE = 1e-4


def refuse_unlawful(pattern: Float[Tensor, "*head query key"], about: About) -> None:
    """Raise ValueError when the pattern breaks an assumption of the analysis; rows of zeros are let through.

    The causal assumption supposes that queries are the last of the keys.
    """
    for assumption in about.assumes:
        words = CHECKS[assumption](pattern)
        if words:
            raise ValueError(f"{about.title} assumes {assumption.replace('_', ' ')}, but this pattern {words}")


def _negative(pattern: Float[Tensor, "*head query key"]) -> str:
    lowest = float(pattern.min())
    return f"has weights down to {lowest:.3g}" if lowest < -TOLERANCE else ""


def _unnormalised(pattern: Float[Tensor, "*head query key"]) -> str:
    sums = pattern.sum(-1)[pattern.abs().sum(-1) > 0]
    if not sums.numel() or float((sums - 1).abs().max()) <= TOLERANCE:
        return ""
    return f"has rows that sum to {float(sums.min()):.3g} … {float(sums.max()):.3g}"


def _looking_ahead(pattern: Float[Tensor, "*head query key"]) -> str:
    n_query, n_key = pattern.shape[-2:]
    return "sees the future" if pattern.triu(n_key - n_query + 1).abs().max() > 0 else ""


CHECKS: dict[str, Callable[[Tensor], str]] = {
    "non_negative": _negative,
    "rows_sum_to_one": _unnormalised,
    "causal": _looking_ahead,
}
