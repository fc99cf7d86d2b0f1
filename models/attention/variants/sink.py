"""Softmax with a sink: a = e^p / (Σ e^p + e^b), b a bias per head, so that a row may keep weight to itself.

A fixed b = 0 is "off by one" (Miller 2023, Attention is off by one); gpt-oss learns b per head (OpenAI 2025, arXiv
2508.10925), which transformers passes to attention as s_aux. What no key gets, 1 − Σ a, is the sink's.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.blockwise import row_sums, widened
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.fused.tiled import tiled_attention
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.masked import masked_softmax, softmax_pullback
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant
from headscope.models.attention.variants.softmax import SOFTMAX
from headscope.models.attention.widening import over_cells

Bias = float | int | Float[Tensor, "..."]


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    bias: Bias = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa < 1; the largest of the visible scores and b is taken off before any exponential."""
    seen = scores.masked_fill(~visible, -torch.inf)
    sink = torch.as_tensor(bias, dtype=scores.dtype, device=scores.device)
    peak = torch.maximum(seen.amax(-1, keepdim=True), sink).detach()
    heights = (seen - peak).exp().masked_fill(~visible, 0.0)
    return heights / (heights.sum(-1, keepdim=True) + (sink - peak).exp())


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    bias: Bias = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = a ⊙ (∂L/∂a − Σ a ∂L/∂a), as of softmax: the sink is a key whose value is 0."""
    return softmax_pullback(pattern, grad_pattern)


def fused(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """The output without its pattern: that of softmax times the share that the sink leaves, σ(ln Σ e^p − b)."""
    sums = row_sums(SOFTMAX, replace(prepared, kernel={}), k, rule)
    if sums is None:
        return tiled_attention(variant, *widened(prepared, k), rule)
    return sums.output * (sums.log_total - prepared.kernel["bias"]).sigmoid()


def slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], *, bias: Bias = 0.0
) -> Float[Tensor, "*batch query"]:
    """That of softmax, which takes no notice of what the weights sum to."""
    return softmax_slope(pattern, scores)


def kernel(*, bias: Bias = 0.0) -> Options:
    """The bias: a number, or a tensor that is [head] or broadcasts to [batch, head, query, 1]."""
    if isinstance(bias, Tensor):
        if bias.ndim > 1 and bias.shape[-1] > 1:
            raise ValueError(f"sink: bias is one a head, or a row, and the same for all keys; got {tuple(bias.shape)}")
        return {"bias": over_cells(bias)}
    check_bias(bias)
    return {"bias": bias}


def learned(options: Options, shape: LayerShape) -> dict[str, nn.Parameter]:
    """One bias per head [head], starting from the fixed one."""
    return {"bias": nn.Parameter(torch.full((shape.n_heads,), float(options["bias"])))} if options["learned"] else {}


def check_bias(bias: object) -> None:
    if not is_finite_number(bias):
        raise ValueError(f"sink: bias is a finite number, or a tensor with one for each head, got {bias!r}")


def check_options(options: Options) -> None:
    check_bias(options["bias"])
    check_flags("sink", options, "learned")


SINK = Variant(
    name="sink",
    paper="Miller 2023, Attention is off by one; OpenAI 2025, gpt-oss, arXiv 2508.10925",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.SUB_STOCHASTIC,
    invariant_to_key_translation=False,
    options={"bias": 0.0, "learned": True},
    check_options=check_options,
    kernel=kernel,
    learned=learned,
    fused=fused,
    handed={"s_aux": "bias"},
    option_hooks={"hook_sink": "bias"},
    slope=slope,
    without={"sink": masked_softmax},
    read_kernel=lambda pattern, scores: {},
    cases={"": {}, "biased": {"bias": -1.5}, "per head": {"bias": torch.tensor([0.5, -1.0, 2.0, 0.0])}},
)
