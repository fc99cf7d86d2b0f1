"""ReLU attention: a = relu(p)^power / n^alpha, exact zeros and no normalisation but by length (Wortsman et al. 2023,
arXiv 2309.08586, with power = 1 and alpha near 1; power = 2 is their squared form).

n is n_ctx where it is given; otherwise the visible keys of the row, which in a model that sees everything is the
paper's sequence length, and in a causal one leaks nothing.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.blockwise import blockwise_attention
from headscope.models.attention.fused.element import Element
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.jacobian import largest_slope, row_norm
from headscope.models.attention.options import Options
from headscope.models.attention.power import power_of
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant
from headscope.models.attention.visibility import visible_count
from headscope.models.attention.widening import at_least_float32

POWERS = (1, 2, 3, 4)


def factor(
    visible: Bool[Tensor, "#batch #head query key"], dtype: torch.dtype, alpha: float, n_ctx: int | None
) -> float | Float[Tensor, "#batch #head query 1"]:
    """1 / n^alpha of all rows, or of each."""
    if n_ctx is not None:
        return float(n_ctx) ** -alpha
    return visible.sum(-1, keepdim=True).clamp_min(1).to(dtype).pow(-alpha)


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    power: int = 1,
    alpha: float = 1.0,
    n_ctx: int | None = None,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, exactly 0 where the score is not above 0."""
    heights = scores.masked_fill(~visible, 0.0).relu().pow(power)
    return heights * factor(visible, scores.dtype, alpha, n_ctx)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    power: int = 1,
    alpha: float = 1.0,
    n_ctx: int | None = None,
) -> Float[Tensor, "batch head query key"]:
    """∂a/∂p = power · p^(power−1) / n^alpha where p > 0, and 0 elsewhere, at the corner too."""
    slopes = power * scores.pow(power - 1) * factor(visible, scores.dtype, alpha, n_ctx)
    return (slopes * grad_pattern).masked_fill(~visible | (scores <= 0), 0.0)


def numerators(
    scores: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    shift: None,
    *,
    power: int,
    alpha: float,
) -> None:
    """relu(p)^power in place."""
    hidden.cleared(scores.relu_() if power == 1 else scores.relu_().pow_(power))


def gradients(
    scores: Float[Tensor, "*heads query key"],
    grad: Float[Tensor, "*heads query key"],
    work: Float[Tensor, "*heads query key"],
    hidden: Hidden,
    total: Float[Tensor, "*heads query 1"],
    delta: Float[Tensor, "*heads query 1"],
    *,
    power: int,
    alpha: float,
) -> None:
    """∂L/∂p = power relu(p)^(power−1) ∂L/∂a in place, the scores becoming relu(p)^power."""
    scores.relu_()
    hidden.cleared(torch.sign(scores, out=work) if power == 1 else torch.pow(scores, power - 1, out=work))
    scores.mul_(work)
    grad.mul_(work).mul_(power)


def rectified_power(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """relu(p)^power, of a power from 1 to 4: where it is compiled, no loop may stand inside of that over the keys."""
    rectified = score * (1.0 * (score > 0))
    product = rectified
    if power > 1:
        product = product * rectified
    if power > 2:
        product = product * rectified
    if power > 3:
        product = product * rectified
    return product


def rectified_power_slope(score: "Float[Tensor, '*cells']", power: int) -> "Float[Tensor, '*cells']":
    """power relu(p)^(power−1) where p > 0."""
    product = power * (1.0 * (score > 0))
    if power > 1:
        product = product * score
    if power > 2:
        product = product * score
    if power > 3:
        product = product * score
    return product


def element(kernel: Options) -> Element:
    """The power; what the length divides by is on the rows of the output."""
    return Element(rectified_power, rectified_power_slope, is_normalised=False, power=kernel["power"])


def fused(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """The output without its pattern: powers by blocks, and n^alpha below the rows of the output."""
    q, alpha, n_ctx = prepared.q, prepared.kernel["alpha"], prepared.kernel["n_ctx"]
    powers = replace(prepared, kernel={"power": prepared.kernel["power"], "alpha": 0.0})
    output = at_least_float32(blockwise_attention(variant, powers, k, rule))
    if n_ctx is not None:
        return output * float(n_ctx) ** -alpha
    count = visible_count(rule.mask, rule.causal, q.shape[2], k.shape[2], k.device)[..., None]
    return output * count.clamp_min(1).to(output.dtype).pow(-alpha)


def slope(
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    *,
    power: int | float | None = None,
    alpha: float = 1.0,
    n_ctx: int | None = None,
) -> Float[Tensor, "*batch query"]:
    """power · a / p where p > 0, so that n need not be known."""
    if power is None:
        raise ValueError("the Jacobian norm of relu attention needs its power, a whole number from 1")
    slopes = (pattern / scores).masked_fill(scores <= 0, 0.0)
    unit = largest_slope(slopes)
    return power * unit[..., 0] * row_norm(slopes / unit)


def check_numbers(power: object, alpha: object, n_ctx: object) -> None:
    if type(power) is not int or power not in POWERS:
        raise ValueError(f"relu: power is a whole number from 1 to {POWERS[-1]}, got {power!r}")
    if not is_finite_number(alpha):
        raise ValueError(f"relu: alpha, the power of the length, is a finite number, got {alpha!r}")
    if n_ctx is not None and (type(n_ctx) is not int or n_ctx < 1 or not is_finite_number(n_ctx)):
        raise ValueError(f"relu: n_ctx is a whole number from 1, or None for the keys that a row sees, got {n_ctx!r}")


def kernel(*, power: int = 1, alpha: float = 1.0, n_ctx: int | None = None) -> Options:
    """The powers of score and length, and the length where it is fixed."""
    check_numbers(power, alpha, n_ctx)
    return {"power": power, "alpha": alpha, "n_ctx": n_ctx}


RELU = Variant(
    name="relu",
    paper="Wortsman et al. 2023, arXiv 2309.08586",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.NON_NEGATIVE,
    invariant_to_key_translation=False,
    options={"power": 1, "alpha": 1.0, "n_ctx": None},
    check_options=lambda options: check_numbers(options["power"], options["alpha"], options["n_ctx"]),
    kernel=kernel,
    fused=fused,
    blocks=BlockKernel(numerators, gradients),
    element=element,
    degree=lambda options: options.get("power", 1),
    slope=slope,
    read_kernel=lambda pattern, scores: {"power": power_of(pattern, scores) or math.nan},
    cases={"": {}, "squared": {"power": 2, "n_ctx": 16}, "root": {"alpha": 0.5}},
)
