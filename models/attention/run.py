"""The forward pass around every kernel: scores, weights, weighted sum of the values."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.options import Options
from headscope.models.attention.shapes import check_broadcast
from headscope.models.attention.variant import Pattern, PreparedInputs, Scores, Variant, Visible
from headscope.models.attention.visibility import visible_keys


@dataclass(frozen=True)
class Attention:
    """What one attention call computed; scores and pattern are None when they were not asked for.

    output: Σ_s pattern[t, s] · v[s], in the dtype of the queries.
    pattern: the signed weights, float32 at least; masked entries are exactly 0.
    scores: what the kernel was applied to (after scale and query temperature), float32 at least.
    """

    output: Float[Tensor, "batch head query d_value"]
    pattern: Float[Tensor, "batch head query key"] | None
    scores: Float[Tensor, "batch head query key"] | None


@dataclass(frozen=True)
class Inputs:
    """Queries, keys, values and what of them is visible; keys may have fewer heads than queries."""

    q: Float[Tensor, "batch head query d_head"]
    k: Float[Tensor, "batch kv_head key d_head"]
    v: Float[Tensor, "batch kv_head key d_value"]
    mask: Bool[Tensor, "..."] | None
    causal: bool
    scale: float


@dataclass(frozen=True)
class KernelSurroundings:
    """What a decoder may put around the kernel: a change of scores and mask before it, of the weights after it."""

    scores: Callable[[Scores, Visible], tuple[Scores, Visible]] = lambda scores, visible: (scores, visible)
    weights: Callable[[Pattern], Pattern] = lambda weights: weights


def attention_in_float32(
    variant: Variant,
    inputs: Inputs,
    options: Options,
    need_pattern: bool,
    around: KernelSurroundings | None = None,
) -> Attention:
    """Attention in float32 at least, whatever the inputs' dtype and the autocast around it."""
    n_heads = inputs.q.shape[1]
    with torch.autocast(inputs.q.device.type, enabled=False):
        values = repeated_kv_heads(at_least_float32(inputs.v), n_heads)
        prepared = variant.prepare(at_least_float32(inputs.q), values, **options)
        k = repeated_kv_heads(at_least_float32(inputs.k), n_heads)
        check_kernel(prepared.kernel, (*prepared.q.shape[:3], k.shape[2]))
        learns = needs_gradient(prepared.kernel) and not variant.fused_learns
        if need_pattern or around is not None or learns:
            whole = weighted_sum(variant, prepared, k, inputs, around or KernelSurroundings())
            output = whole.output.to(inputs.q.dtype)
            return Attention(output, whole.pattern, whole.scores) if need_pattern else Attention(output, None, None)
        fused = variant.fused(variant, prepared, k, inputs.mask, inputs.scale, inputs.causal)
        return Attention(fused.to(inputs.q.dtype), None, None)


def weighted_sum(
    variant: Variant,
    prepared: PreparedInputs,
    k: Float[Tensor, "batch head key d_head"],
    inputs: Inputs,
    around: KernelSurroundings,
) -> Attention:
    """The plain path, which keeps the pattern."""
    visible = visible_keys(inputs.mask, inputs.causal, prepared.q.shape[2], k.shape[2], k.device)
    scores, visible = around.scores((prepared.q * inputs.scale) @ k.mT, visible)
    pattern = variant.weigh(scores, visible, **prepared.kernel)
    return Attention(around.weights(pattern) @ prepared.v, pattern, scores)


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """float32 for half precisions; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def repeated_kv_heads(x: Float[Tensor, "batch kv_head pos d"], n_heads: int) -> Float[Tensor, "batch head pos d"]:
    """Each key or value head repeated for the query heads that share it."""
    return x.repeat_interleave(n_heads // x.shape[1], dim=1) if x.shape[1] != n_heads else x


def needs_gradient(kernel: Options) -> bool:
    """Whether an option of the kernel is learned."""
    learned = (value for value in kernel.values() if isinstance(value, Tensor))
    return torch.is_grad_enabled() and any(value.requires_grad for value in learned)


def check_kernel(kernel: Options, full: tuple[int, ...]) -> None:
    """Refuse a tensor among the kernel's options that would change the shape of the scores."""
    for name, value in kernel.items():
        if isinstance(value, Tensor):
            check_broadcast(name, value.shape, full)
