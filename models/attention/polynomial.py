"""Polynomial attention: a = c · p^power, unnormalised (Saratchandran et al. 2024, arXiv 2410.18613).

Odd powers give signed weights; c ≈ 1/√N bounds the Frobenius norm of the pattern as softmax does.
"""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.variant import Prepared, Variant

PER_ROW = "per_row"
Coefficient = float | int | str | Float[Tensor, "..."]


def resolve_coefficient(coefficient: Any, n_ctx: Any) -> Coefficient:
    """The factor c: as given, "per_row" (1/√n_t, n_t visible keys of the row), or 1/√n_ctx.

    It may not follow the current length: that would leak the future. A tensor is a scalar, [head],
    or broadcasts to [batch, head, query, key].
    """
    if n_ctx is not None and (type(n_ctx) is not int or n_ctx < 1 or not is_finite_number(n_ctx)):
        raise ValueError(f"polynomial: n_ctx is a whole number from 1, got {n_ctx!r}")
    if coefficient is None and n_ctx is None:
        raise ValueError(
            "polynomial: give coefficient (a number, a tensor or 'per_row') or n_ctx (then it is 1/√n_ctx)"
        )
    if coefficient is None:
        return float(n_ctx) ** -0.5  # type: ignore[arg-type]
    finite = type(coefficient) in (int, float) and is_finite_number(coefficient)
    if not finite and not isinstance(coefficient, Tensor) and coefficient != PER_ROW:
        raise ValueError(f"polynomial: coefficient is a finite number, a tensor or 'per_row', got {coefficient!r}")
    return by_head(coefficient) if isinstance(coefficient, Tensor) else coefficient


def by_head(coefficient: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """A coefficient per head [head] as [head, 1, 1], so that it broadcasts to [batch, head, query, key]."""
    return coefficient[:, None, None] if coefficient.ndim == 1 else coefficient


def _factor(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    coefficient: Coefficient,
) -> float | Float[Tensor, "..."]:
    if isinstance(coefficient, str):
        return visible.sum(-1, keepdim=True).clamp_min(1).to(scores.dtype).rsqrt()
    if isinstance(coefficient, Tensor):
        return coefficient.to(scores.dtype)
    return coefficient


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    power: int,
    coefficient: Coefficient,
) -> Float[Tensor, "batch head query key"]:
    """Element-wise power, no normalisation; masked after the power."""
    seen = scores.masked_fill(~visible, 0.0)
    return (seen.pow(power) * _factor(scores, visible, coefficient)).masked_fill(~visible, 0.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    power: int,
    coefficient: Coefficient,
) -> Float[Tensor, "batch head query key"]:
    """∂a/∂p = c · power · p^(power−1), element by element."""
    slope = power * scores.pow(power - 1) * _factor(scores, visible, coefficient)
    return (slope * grad_pattern).masked_fill(~visible, 0.0)


def prepare(
    q: Float[Tensor, "batch head query d_head"],
    v: Float[Tensor, "batch head key d_value"],
    *,
    power: int = 3,
    coefficient: Coefficient | None = None,
    n_ctx: int | None = None,
) -> Prepared:
    check_power(power)
    return Prepared(q, v, {"power": power, "coefficient": resolve_coefficient(coefficient, n_ctx)})


def check_power(power: Any) -> None:
    if type(power) is not int or power < 1:
        raise ValueError(f"polynomial: power is a whole number from 1, got {power!r}")


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that no layer could be built from."""
    check_power(options["power"])
    coefficient, n_ctx = options["coefficient"], options["n_ctx"]
    if isinstance(coefficient, Tensor):
        raise ValueError(
            "polynomial: a stored coefficient is a number or 'per_row', got a tensor; learned=True learns one"
        )
    if coefficient is not None or n_ctx is not None:
        resolve_coefficient(coefficient, n_ctx)
    if not isinstance(options["learned"], bool) or (options["learned"] and coefficient == PER_ROW):
        raise ValueError(
            "polynomial: learned is true or false, and a learned coefficient starts from a number or n_ctx"
        )


POLYNOMIAL = Variant(
    name="polynomial",
    paper="Saratchandran et al. 2024, arXiv 2410.18613",
    weigh=weigh,
    pullback=pullback,
    non_negative=False,
    rows_sum_to_one=False,
    invariant_to_key_translation=False,
    options={"power": 3, "coefficient": None, "n_ctx": None, "learned": False},
    call_options=("power", "coefficient", "n_ctx"),
    check_options=check_options,
    parity=lambda options: "odd" if options.get("power", 3) % 2 else "even",
    prepare=prepare,
)
