"""The forward pass around every kernel: scores, weights, weighted sum of the values."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.score_rule import ScoreRule, soft_capped
from headscope.models.attention.options import Options
from headscope.models.attention.shapes import check_broadcast
from headscope.models.attention.variant import Pattern, Scores, Variant, Visible
from headscope.models.attention.visibility import visible_keys
from headscope.models.attention.widening import at_least_float32, repeated_kv_heads

HEAD_GROUPS = 4  # of which one is tempered at a time where nothing is kept for gradients, and queries are
LARGE = 2**21  # bytes or more


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
    """Queries, keys, values, their factor and soft cap, and what of them is visible; keys may have fewer heads."""

    q: Float[Tensor, "batch head query d_head"]
    k: Float[Tensor, "batch kv_head key d_head"]
    v: Float[Tensor, "batch kv_head key d_value"]
    mask: Bool[Tensor, "..."] | None
    causal: bool
    scale: float
    soft_cap: float | None = None

    @property
    def rule(self) -> ScoreRule:
        """How scores come of them."""
        return ScoreRule(self.mask, self.causal, self.scale, self.soft_cap)


@dataclass(frozen=True)
class KernelSurroundings:
    """What a decoder may put around the kernel: a change of scores and mask before it, of the weights after it."""

    scores: Callable[[Scores, Visible], tuple[Scores, Visible]] = lambda scores, visible: (scores, visible)
    weights: Callable[[Pattern], Pattern] = lambda weights: weights


def attention_of(
    variant: Variant,
    inputs: Inputs,
    options: Options,
    need_pattern: bool,
    around: KernelSurroundings | None = None,
) -> Attention:
    """Attention whatever the autocast around it: with its pattern in float32 at least, without in the inputs' dtype."""
    with without_autocast(inputs.q.device.type):
        if need_pattern or around is not None:
            whole = weighted_sum(variant, inputs, options, around or KernelSurroundings())
            output = whole.output.to(inputs.q.dtype)
            return Attention(output, whole.pattern, whole.scores) if need_pattern else Attention(output, None, None)
        is_large = inputs.q.numel() * inputs.q.element_size() >= LARGE and not torch.is_grad_enabled()
        by_groups = variant.learns_temperatures and is_large
        return Attention((output_by_groups if by_groups else fused_output)(variant, inputs, options), None, None)


def fused_output(variant: Variant, inputs: Inputs, options: Options) -> Float[Tensor, "batch head query d_value"]:
    """The output without a pattern, in the dtype of the queries."""
    dtype = inputs.q.dtype
    prepared = variant.prepare(inputs.q, inputs.v.to(dtype), **options)
    check_kernel(prepared.kernel, (*prepared.q.shape[:3], inputs.k.shape[2]))
    wide = torch.promote_types(prepared.q.dtype, prepared.v.dtype)
    k = repeated_kv_heads(inputs.k.to(wide), prepared.v.shape[1])
    prepared = replace(prepared, q=prepared.q.to(wide), v=prepared.v.to(wide))
    return variant.fused(variant, prepared, k, inputs.rule).to(dtype)


def output_by_groups(variant: Variant, inputs: Inputs, options: Options) -> Float[Tensor, "batch head query d_value"]:
    """The same, for some heads after the others, so that tempered copies of queries and values are of few at a time."""
    n_heads, kv_heads = inputs.q.shape[1], inputs.k.shape[1]
    size = -(-kv_heads // HEAD_GROUPS)
    output = inputs.q.new_empty(*inputs.q.shape[:3], inputs.v.shape[-1])
    for start in range(0, kv_heads, size):
        own = slice(start, start + size)
        heads = slice(start * n_heads // kv_heads, min(start + size, kv_heads) * n_heads // kv_heads)
        mask = of_heads(inputs.mask, -3, heads, n_heads)
        group = replace(inputs, q=inputs.q[:, heads], k=inputs.k[:, own], v=inputs.v[:, own], mask=mask)
        tempered = {name: of_heads(value, -2, heads, n_heads) for name, value in options.items()}
        output[:, heads] = fused_output(variant, group, tempered)
    return output


def of_heads(value: Any, dim: int, heads: slice, n_heads: int) -> Any:
    """Some heads of a tensor that has them along a dimension; anything else as it is."""
    if not isinstance(value, Tensor) or value.ndim < -dim or value.shape[dim] != n_heads:
        return value
    return value.narrow(dim, heads.start, heads.stop - heads.start)


def without_autocast(device: str) -> AbstractContextManager[object]:
    """No autocast, on a device that knows it."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def weighted_sum(variant: Variant, inputs: Inputs, options: Options, around: KernelSurroundings) -> Attention:
    """The plain path, which keeps the pattern."""
    n_heads = inputs.q.shape[1]
    values = repeated_kv_heads(at_least_float32(inputs.v), n_heads)
    prepared = variant.prepare(at_least_float32(inputs.q), values, **options)
    k = repeated_kv_heads(at_least_float32(inputs.k), n_heads)
    check_kernel(prepared.kernel, (*prepared.q.shape[:3], k.shape[2]))
    visible = visible_keys(inputs.mask, inputs.causal, prepared.q.shape[2], k.shape[2], k.device)
    scores = soft_capped((prepared.q * inputs.scale) @ k.mT, inputs.soft_cap)
    scores, visible = around.scores(scores, visible)
    pattern = variant.weigh(scores, visible, **prepared.kernel)
    return Attention(around.weights(pattern) @ prepared.v, pattern, scores)


def check_kernel(kernel: Options, full: tuple[int, ...]) -> None:
    """Refuse a tensor among the kernel's options that would change the shape of the scores."""
    for name, value in kernel.items():
        if isinstance(value, Tensor):
            check_broadcast(name, value.shape, full)
