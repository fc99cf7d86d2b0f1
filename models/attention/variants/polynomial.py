"""Polynomial attention: a = c · p^power, unnormalised (Saratchandran et al. 2024, arXiv 2410.18613).

Odd powers give signed weights; c ≈ 1/√N bounds the Frobenius norm of the pattern as softmax does.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.blockwise import blockwise_attention, widened
from headscope.models.attention.fused.element import Element
from headscope.models.attention.fused.score_rule import ScoreRule, soft_capped
from headscope.models.attention.jacobian import largest_slope, row_norm
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.power import power_of
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Parity, PreparedInputs, Variant
from headscope.models.attention.visibility import visible_count, visible_keys
from headscope.models.attention.widening import at_least_float32, over_cells

PER_ROW = "per_row"
LARGEST = 2**24  # beyond it float32 does not know odd from even
LARGE = 1e18  # times the least number that has all its digits
Coefficient = float | int | str | Float[Tensor, "..."]


def resolve_coefficient(coefficient: object, n_ctx: object) -> Coefficient:
    """The factor c: as given, "per_row" (1/√n_t, n_t visible keys of the row), or 1/√n_ctx.

    It may not follow the current length: that would leak the future. A tensor is a scalar, [head],
    or broadcasts to [batch, head, query, key].
    """
    if n_ctx is not None and (type(n_ctx) is not int or n_ctx < 1 or not is_finite_number(n_ctx)):
        raise ValueError(f"polynomial: n_ctx is a whole number from 1, got {n_ctx!r}")
    if coefficient is None:
        if n_ctx is None:
            raise ValueError(
                "polynomial: give coefficient (a number, a tensor or 'per_row') or n_ctx (then it is 1/√n_ctx)"
            )
        return float(n_ctx) ** -0.5
    if isinstance(coefficient, Tensor):
        return over_cells(coefficient)
    if coefficient == PER_ROW:
        return PER_ROW
    if type(coefficient) not in (int, float) or not is_finite_number(coefficient):
        raise ValueError(f"polynomial: coefficient is a finite number, a tensor or 'per_row', got {coefficient!r}")
    return coefficient


def _factor(
    coefficient: Coefficient, dtype: torch.dtype, visible_count: Callable[[], Int[Tensor, "... query 1"]]
) -> float | Float[Tensor, "..."]:
    if isinstance(coefficient, str):
        return visible_count().clamp_min(1).to(dtype).rsqrt()
    return coefficient.to(dtype) if isinstance(coefficient, Tensor) else coefficient


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    power: int,
    coefficient: Coefficient = 1.0,
) -> Float[Tensor, "batch head query key"]:
    """Element-wise power, no normalisation; masked after the power."""
    visible_scores = scores.masked_fill(~visible, 0.0)
    factor = _factor(coefficient, scores.dtype, lambda: visible.sum(-1, keepdim=True))
    return (visible_scores.pow(power) * factor).masked_fill(~visible, 0.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    power: int,
    coefficient: Coefficient = 1.0,
) -> Float[Tensor, "batch head query key"]:
    """∂a/∂p = c · power · p^(power−1), element by element."""
    factor = _factor(coefficient, scores.dtype, lambda: visible.sum(-1, keepdim=True))
    return (power * scores.pow(power - 1) * factor * grad_pattern).masked_fill(~visible, 0.0)


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: None,
    *,
    power: int,
) -> None:
    """p^power in place."""
    hidden.cleared(scores.pow_(power))


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
    *,
    power: int,
) -> None:
    """∂L/∂p = power p^(power−1) ∂L/∂a in place, the scores becoming p^power."""
    hidden.cleared(torch.pow(scores, power - 1, out=work))
    scores.mul_(work)
    grad.mul_(work).mul_(power)


def low_power(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """p^power, of a power from 1 to 4: where a power is compiled, no loop may stand inside of that over the keys."""
    product = score
    if power > 1:
        product = product * score
    if power > 2:
        product = product * score
    if power > 3:
        product = product * score
    return product


def low_power_slope(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells'] | float":
    """power p^(power−1)."""
    product = 1.0 * power
    if power > 1:
        product = product * score
    if power > 2:
        product = product * score
    if power > 3:
        product = product * score
    return product


def element(kernel: Options) -> Element:
    """The power; its factor c is on the rows of the output."""
    return Element(low_power, low_power_slope, is_normalised=False, power=kernel["power"])


def fused(
    variant: Variant,
    prepared: PreparedInputs,
    k: Float[Tensor, "batch kv_head key d_head"],
    rule: ScoreRule,
) -> Float[Tensor, "batch head query d_value"]:
    """The output without its pattern: powers by blocks, and c on the rows of the output, where a learned one has its
    gradient; a c of single keys needs the pattern."""
    q, v, coefficient = prepared.q, prepared.v, prepared.kernel["coefficient"]
    seen = (rule.mask, rule.causal, q.shape[2], k.shape[2], k.device)
    if isinstance(coefficient, Tensor) and coefficient.ndim and coefficient.shape[-1] > 1:
        wide, k = widened(prepared, k)
        scores = soft_capped((wide.q * rule.scale) @ k.mT, rule.soft_cap)
        return weigh(scores, visible_keys(*seen), **prepared.kernel) @ wide.v
    powers = PreparedInputs(q, v, {"power": prepared.kernel["power"]})
    output = at_least_float32(blockwise_attention(variant, powers, k, rule))
    factor = _factor(coefficient, output.dtype, lambda: visible_count(*seen)[..., None])
    learns = output.requires_grad or (isinstance(factor, Tensor) and factor.requires_grad)
    return output * factor if learns else output.mul_(factor)


def kernel(*, power: int = 3, coefficient: Coefficient | None = None, n_ctx: int | None = None) -> Options:
    """The power and the factor c."""
    check_power(power)
    return {"power": power, "coefficient": resolve_coefficient(coefficient, n_ctx)}


def learned(options: Options, shape: LayerShape) -> dict[str, nn.Parameter]:
    """One coefficient per head, starting from the fixed one."""
    if not options["learned"]:
        return {}
    start = float(resolve_coefficient(options["coefficient"], options["n_ctx"]))
    return {"coefficient": nn.Parameter(torch.full((shape.n_heads,), start))}


def in_context(options: Options, n: int) -> Options:
    """n_ctx is the model's context where neither it nor the coefficient is known."""
    is_known = options["coefficient"] is not None or options["n_ctx"] is not None
    return {**options} if is_known else {**options, "n_ctx": n}


def slope(
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    *,
    power: int | float | None = None,
    coefficient: Coefficient | None = None,
) -> Float[Tensor, "*batch query"]:
    """c · power · p^(power − 1) = power · a / p, so that c need not be known.

    Where a is lost (p = 0 of power 1, overflow, few digits) the slope comes from that of the row's largest finite
    weight, by powers of the ratio of scores; NaN in a row without one, which tells no c. A score of exactly 0 is taken
    for a visible one, which says something for power 1 alone.
    """
    if power is None:
        raise ValueError("the Jacobian norm of polynomial attention needs its power, a whole number from 1")
    weight, size = pattern.abs(), scores.abs()
    slopes = slopes_of_large(weight, size) if power > 1 and is_large(weight) else slopes_of_lost(weight, size, power)
    unit = largest_slope(slopes)
    return power * unit[..., 0] * row_norm(slopes.div_(unit))


def is_large(weight: Float[Tensor, "*batch query key"]) -> bool:
    """Whether every row has a finite weight beside which those that lost digits come to nothing, of powers above 1."""
    largest = weight.amax(-1)
    return bool((largest >= LARGE * torch.finfo(weight.dtype).tiny).all()) and bool((largest < torch.inf).all())


def slopes_of_large(
    weight: Float[Tensor, "*batch query key"], size: Float[Tensor, "*batch query key"]
) -> Float[Tensor, "*batch query key"]:
    """abs(a / p) in the place of abs(a); a score of 0 has no weight."""
    return weight.div_(size.clamp_min_(torch.finfo(size.dtype).tiny))


def slopes_of_lost(
    weight: Float[Tensor, "*batch query key"], size: Float[Tensor, "*batch query key"], power: int | float
) -> Float[Tensor, "*batch query key"]:
    """abs(a / p), by that of the row's largest finite weight where a is lost."""
    lost = (weight < torch.finfo(weight.dtype).tiny) | weight.isinf()
    flat = (weight == 0) & ((size != 0) | (power != 1))
    largest, place = weight.where(~weight.isinf(), 0.0).max(-1, keepdim=True)
    known = size.gather(-1, place)
    of_largest = (largest / known).masked_fill(largest == 0, torch.nan)
    return torch.where(lost, of_largest * (size / known) ** (power - 1), weight / size).where(~flat, 0.0)


def parity(options: Options) -> Parity:
    """That of the power, if it is known."""
    power = options.get("power", math.nan)
    return "either" if math.isnan(power) else "odd" if power % 2 else "even"


def check_power(power: object) -> None:
    if type(power) is not int or not 1 <= power <= LARGEST:
        got = f"one of {len(str(power))} digits" if type(power) is int and power > LARGEST else repr(power)
        raise ValueError(f"polynomial: power is a whole number from 1 to {LARGEST}, got {got}")


def check_options(options: Options) -> None:
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
    row_law=RowLaw.FREE,
    invariant_to_key_translation=False,
    options={"power": 3, "coefficient": None, "n_ctx": None, "learned": False},
    check_options=check_options,
    kernel=kernel,
    learned=learned,
    in_context=in_context,
    fused=fused,
    blocks=BlockKernel(numerators, gradients),
    element=element,
    parity=parity,
    degree=lambda options: options.get("power", math.nan),
    learns_factor=lambda options: bool(options.get("learned")) or isinstance(options.get("coefficient"), Tensor),
    slope=slope,
    read_kernel=lambda pattern, scores: {"power": power_of(pattern, scores) or math.nan},
    cases={
        "1": {"power": 1, "n_ctx": 16},
        "2": {"power": 2, "n_ctx": 16},
        "3": {"power": 3, "n_ctx": 16},
        "per row": {"power": 3, "coefficient": PER_ROW},
    },
)
