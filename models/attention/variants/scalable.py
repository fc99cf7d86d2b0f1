"""Scalable softmax: a = softmax(τ_n p), sharper the more keys n a row sees.

law "ssmax": τ = c · ln n, c per head (Nakanishi 2025, arXiv 2501.19399, whose figure 1 has c = 0.43, the start here).
Of softmax itself the nearest is c = 1 / ln n: 0.17 for rows of some hundred keys.
law "llama4": τ = 1 + beta · ln(⌊n / n_0⌋ + 1), as transformers' Llama 4 has it (attn_scale = beta, floor_scale =
n_0) for the query at position n − 1; it is 1, plain softmax, below n_0 keys.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.blockwise import widened
from headscope.models.attention.fused.library_softmax import fused_softmax
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.fused.tiled import tiled_attention
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.masked import masked_softmax
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant
from headscope.models.attention.visibility import visible_count
from headscope.models.attention.widening import at_least_float32, over_cells
from headscope.models.io.near_names import known_names

COEFFICIENTS = {"ssmax": 0.43, "llama4": 0.1}  # of each law, where none is given
Factor = float | int | Float[Tensor, "..."]


def temperature(
    count: Int[Tensor, "..."], law: str, coefficient: Factor, floor: int, dtype: torch.dtype
) -> Float[Tensor, "..."]:
    """τ of rows that see so many keys."""
    n = count.clamp_min(1).to(dtype)
    if law == "ssmax":
        return coefficient * n.log()
    return 1 + coefficient * torch.log1p(torch.floor(n / floor))


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    law: str = "ssmax",
    coefficient: Factor = 0.43,
    floor: int = 8192,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa = 1 over the visible keys."""
    tau = temperature(visible.sum(-1, keepdim=True), law, coefficient, floor, scores.dtype)
    return masked_softmax(scores.masked_fill(~visible, 0.0) * tau, visible)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    law: str = "ssmax",
    coefficient: Factor = 0.43,
    floor: int = 8192,
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = τ a ⊙ (∂L/∂a − Σ a ∂L/∂a)."""
    tau = temperature(visible.sum(-1, keepdim=True), law, coefficient, floor, scores.dtype)
    return tau * pattern * (grad_pattern - (pattern * grad_pattern).sum(-1, keepdim=True))


def slope(
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    *,
    law: str = "ssmax",
    coefficient: Factor = 0.43,
    floor: int = 8192,
) -> Float[Tensor, "*batch query"]:
    """|τ| times that of softmax; n counts the scores that are not -inf."""
    tau = temperature((scores != -torch.inf).sum(-1, keepdim=True), law, coefficient, floor, scores.dtype)
    return tau.abs().squeeze(-1) * softmax_slope(pattern, scores)


def fused(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """The output by torch's softmax attention of τ q; under a soft cap, which τ stands outside of, by strips."""
    if rule.soft_cap is not None:
        return tiled_attention(variant, *widened(prepared, k), rule)
    q, v = prepared.q, prepared.v
    wide = at_least_float32(q).dtype if q.device.type == "cpu" else q.dtype
    count = visible_count(rule.mask, rule.causal, q.shape[2], k.shape[2], k.device)[..., None]
    tau = temperature(count, **prepared.kernel, dtype=at_least_float32(q).dtype)
    return fused_softmax(variant, PreparedInputs((q * tau).to(wide), v.to(wide)), k.to(wide), rule)


def kernel(*, law: str = "ssmax", coefficient: Factor | None = None, floor: int = 8192) -> Options:
    """The law with its numbers; a coefficient is a number, or a tensor [head] or wider."""
    check_law(law, floor)
    factor = over_cells(coefficient) if isinstance(coefficient, Tensor) else resolved(law, coefficient)
    return {"law": law, "coefficient": factor, "floor": floor}


def resolved(law: str, coefficient: object) -> float:
    """The coefficient, or that of the law's source where none is given."""
    if coefficient is None:
        return COEFFICIENTS[law]
    if not is_finite_number(coefficient):
        raise ValueError(f"scalable: coefficient is a finite number, or a tensor with one a head, got {coefficient!r}")
    return coefficient


def learned(options: Options, shape: LayerShape) -> dict[str, nn.Parameter]:
    """One coefficient per head [head], starting from the fixed one."""
    if not options["learned"]:
        return {}
    return {"coefficient": nn.Parameter(torch.full((shape.n_heads,), resolved(options["law"], options["coefficient"])))}


def check_law(law: object, floor: object) -> None:
    if law not in COEFFICIENTS:
        raise ValueError(f"scalable: unknown law {law!r}; known: {known_names(law, COEFFICIENTS)}")
    if type(floor) is not int or floor < 1:
        raise ValueError(f"scalable: floor is a whole number of keys from 1, got {floor!r}")


def check_options(options: Options) -> None:
    check_law(options["law"], options["floor"])
    resolved(options["law"], options["coefficient"])
    check_flags("scalable", options, "learned")


SCALABLE = Variant(
    name="scalable",
    paper="Nakanishi 2025, arXiv 2501.19399; Meta 2025, Llama 4",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=True,
    options={"law": "ssmax", "coefficient": None, "floor": 8192, "learned": True},
    check_options=check_options,
    kernel=kernel,
    learned=learned,
    fused=fused,
    slope=slope,
    cases={
        "": {},
        "llama4": {"law": "llama4", "floor": 3},
        "per head": {"coefficient": torch.tensor([0.2, 0.43, 1.0, -0.3])},
    },
)
