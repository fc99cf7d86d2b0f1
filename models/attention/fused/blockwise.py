"""Attention by blocks of queries × keys: exact output and gradient of kernels that work in place, a = g(p) / Σ h(p).

A block is computed, used and overwritten by the next; of a row one number is kept for its gradient. Exponentials are
shifted by the row's largest exponent where they could overflow. What the direct form would lose (infinite, too large,
too small) goes by strips of whole rows, tiled.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.fused.block_kernel import Block, BlockKernel, Row
from headscope.models.attention.fused.block_shapes import runs_in_triton
from headscope.models.attention.fused.blocks import Blocks, Hidden, Strip
from headscope.models.attention.fused.row_sums import RowSums
from headscope.models.attention.fused.score_rule import ScoreRule, soft_cap_in_place, soft_cap_slope
from headscope.models.attention.fused.tiled import tiled_attention
from headscope.models.attention.options import Options
from headscope.models.attention.widening import at_least_float32, repeated_kv_heads

if TYPE_CHECKING:
    from headscope.models.attention.variant import PreparedInputs, Variant

SAFE_EXPONENT, SAFE_VALUE = 40.0, 1e15  # e⁴⁰ times such a value, of a hundred thousand keys, is still a float32


@dataclass(frozen=True)
class BlockCall:
    """What a call is besides its tensors; shifted: by entry, whether exponents have their row's largest taken off."""

    kernel: BlockKernel
    options: Options
    rule: ScoreRule
    blocks: Blocks
    shifted: tuple[bool, ...]


class BlockwiseAttention(torch.autograd.Function):
    """output = Σ g(scale · q kᵀ) v / Σ h, and what each row keeps, NaN where the direct form has lost the row.

    Of an exponential a row keeps ln Σ h, which has its gradient too.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Float[Tensor, "batch head query d_head"],
        k: Float[Tensor, "batch head key d_head"],
        v: Float[Tensor, "batch head key d_value"],
        call: BlockCall,
    ) -> tuple[Float[Tensor, "batch head query d_value"], Float[Tensor, "batch head query 1"]]:
        output, kept = q.new_empty(*q.shape[:-1], v.shape[-1]), q.new_ones(*q.shape[:-1], 1)
        for strip in call.blocks.strips():
            write_output(call, strip, (q, k, v), strip.rows(output), strip.rows(kept))
        ctx.save_for_backward(q, k, v, output, kept)
        ctx.call = call
        if call.kernel.exponent is None:
            ctx.mark_non_differentiable(kept)
        return output, kept

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, grad: Float[Tensor, "batch head query d_value"], grad_kept: Float[Tensor, "batch head query 1"]
    ) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("attention without its pattern has first derivatives only; ask with need_pattern=True")
        q, k, v, output, kept = ctx.saved_tensors
        grads = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        delta = dot(grad, output)[..., None] - grad_kept
        for strip in ctx.call.blocks.strips():
            rows = RowGradients(*(strip.rows(x) for x in (grad, kept, delta)))
            add_gradients(ctx.call, strip, (q, k, v), grads, rows)
        return *grads, None


@dataclass(frozen=True)
class RowGradients:
    """What the gradient of a strip starts from: ∂L/∂output, what its rows kept, and δ, what all of a row share."""

    grad: Float[Tensor, "head query d_value"]
    kept: Row
    delta: Row


def scaled_rows(call: BlockCall, strip: Strip, q: Tensor) -> Float[Tensor, "head query d_head"]:
    """The queries of a strip times the scale, in memory that the next strip uses again."""
    rows = strip.rows(q)
    return torch.mul(rows, call.rule.scale, out=call.blocks.scratch.like("query", rows))


def block_scores(
    call: BlockCall, query: Float[Tensor, "head query d"], key: Float[Tensor, "head d key"]
) -> tuple[Block, Block]:
    """The scores of a block, and scratch of their shape."""
    shape = (query.shape[0], query.shape[1], key.shape[2])
    scores, work = (call.blocks.scratch.of_shape(use, query, shape) for use in ("scores", "work"))
    return soft_cap_in_place(torch.bmm(query, key, out=scores), call.rule.soft_cap), work


def write_output(
    call: BlockCall, strip: Strip, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor, kept: Tensor
) -> None:
    """Write a strip of the output, and what its rows keep."""
    query, keys, values = scaled_rows(call, strip, inputs[0]), strip.keys(inputs[1]).mT, strip.keys(inputs[2])
    shift, total, is_written = None, None, False
    for key, hidden in call.blocks.of(strip):
        scores, work = block_scores(call, query, keys[..., key])
        if call.shifted[strip.entry]:
            shift = raised_shift(call.kernel, scores, work, hidden, shift, () if total is None else (output, total))
        sums = call.kernel.numerators(scores, work, hidden, shift, **call.options)
        output.baddbmm_(scores, values[:, key], beta=int(is_written))
        total, is_written = sums if total is None or sums is None else total.add_(sums), True
    if not is_written:
        output.zero_()
    if total is not None:
        kept.copy_(call.kernel.kept(total, shift))
        output /= total.masked_fill(total == 0, 1.0)
        if bool((lost := total < call.kernel.smallest).any()):
            kept.masked_fill_(lost & call.blocks.sees_something(strip), torch.nan)


def raised_shift(
    kernel: BlockKernel, scores: Block, work: Block, hidden: Hidden, before: Row | None, sums: tuple[Tensor, ...]
) -> Row:
    """The largest exponent of each row so far; what was summed with a smaller one taken off is rescaled."""
    assert kernel.exponent is not None
    largest = hidden.lowered(kernel.exponent(scores, work)).amax(-1, keepdim=True)
    largest.clamp_min_(torch.finfo(largest.dtype).min / 2)
    if before is None:
        return largest
    torch.maximum(before, largest, out=largest)
    loss = (before - largest).exp_()
    for summed in sums:
        summed *= loss
    return largest


def add_gradients(
    call: BlockCall,
    strip: Strip,
    inputs: tuple[Tensor, Tensor, Tensor],
    grads: tuple[Tensor, Tensor, Tensor],
    rows: RowGradients,
) -> None:
    """Add what a strip gives to the gradients of queries, keys and values."""
    query, keys, values = scaled_rows(call, strip, inputs[0]), strip.keys(inputs[1]), strip.keys(inputs[2])
    grad_query, grad_keys, grad_values = strip.rows(grads[0]), strip.keys(grads[1]), strip.keys(grads[2])
    for key, hidden in call.blocks.of(strip):
        scores, work = block_scores(call, query, keys[:, key].mT)
        grad = torch.bmm(rows.grad, values[:, key].mT, out=call.blocks.scratch.like("grad", scores))
        bend = None if (cap := call.rule.soft_cap) is None else soft_cap_slope(scores, cap)
        call.kernel.gradients(scores, grad, work, hidden, rows.kept, rows.delta, **call.options)
        grad = grad if bend is None else grad.mul_(bend)
        grad_values[:, key].baddbmm_(scores.mT, rows.grad)
        grad_query.baddbmm_(grad, keys[:, key])
        grad_keys[:, key].baddbmm_(grad.mT, query)
    grad_query *= call.rule.scale


def blockwise_attention(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch kv_head key d_head"],
    rule: ScoreRule,
) -> Float[Tensor, "batch head query d_value"]:
    """The output without its pattern, by what the device and the shapes allow: in Triton, by blocks, or by strips.

    By strips where an option of the kernel is a tensor, which they cut as they cut the scores.
    By blocks on a processor alone: what the direct form would lose is seen by looking at numbers, which a GPU is not
    waited for. Other than in Triton in float32 at least. First derivatives only: a second one is refused.
    """
    is_plain = not any(isinstance(value, Tensor) for value in prepared.kernel.values())
    sums = row_sums(variant, prepared, k, rule) if is_plain else None
    return tiled_attention(variant, *widened(prepared, k), rule) if sums is None else sums.output


def row_sums(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch kv_head key d_head"],
    rule: ScoreRule,
) -> RowSums | None:
    """The output and the sums of its rows in Triton, or by blocks; None where only strips compute it."""
    element = variant.element(prepared.kernel)
    if element is not None and runs_in_triton(element, prepared.q, prepared.v):
        from headscope.models.attention.fused.triton_attention import triton_row_sums

        return triton_row_sums(prepared.q, k, prepared.v, element, rule)
    wide, k = widened(prepared, k)
    return output_by_blocks(variant, wide, k, rule) if wide.q.device.type == "cpu" else None


def widened(
    prepared: "PreparedInputs", k: Float[Tensor, "batch kv_head key d_head"]
) -> tuple["PreparedInputs", Float[Tensor, "batch head key d_head"]]:
    """All in float32 at least, with as many heads of keys and values as of queries."""
    q, k, v = (repeated_kv_heads(at_least_float32(x), prepared.q.shape[1]) for x in (prepared.q, k, prepared.v))
    return replace(prepared, q=q, v=v), k


def output_by_blocks(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch head key d_head"],
    rule: ScoreRule,
) -> RowSums | None:
    """By blocks; None where the variant has no kernel for them, or the direct form would lose a row."""
    q, v, kernel = prepared.q, prepared.v, variant.blocks
    if kernel is None or torch.compiler.is_compiling():
        return None
    reach = largest_scores(q, k, rule)
    if not all(entry <= kernel.largest for entry in reach):
        return None
    blocks = Blocks((q.shape[0], q.shape[1], q.shape[2]), k.shape[2], rule.causal, rule.mask)
    shifted = are_shifted(reach, v) if kernel.exponent is not None else (False,) * len(reach)
    call = BlockCall(kernel, prepared.kernel, rule, blocks, shifted)
    output, kept = cast(tuple[Tensor, Tensor], BlockwiseAttention.apply(q, k, v, call))  # pyright: ignore[reportUnknownMemberType]
    return None if kernel.smallest and bool(kept.isnan().any()) else RowSums(output, kept)


@torch.no_grad()
def largest_scores(
    q: Float[Tensor, "batch head query d_head"], k: Float[Tensor, "batch head key d_head"], rule: ScoreRule
) -> list[float]:
    """A bound of the magnitude of every score of each entry: by Cauchy and Schwarz, and its cap; NaN where a vector
    has one."""
    squares = dot(q, q).flatten(1).amax(-1) * dot(k, k).flatten(1).amax(-1)
    bounds = squares.sqrt() * abs(rule.scale)
    return [float(bound) for bound in (bounds if rule.soft_cap is None else bounds.clamp_max(rule.soft_cap))]


@torch.no_grad()
def are_shifted(reach: Sequence[float], v: Float[Tensor, "batch head key d_value"]) -> tuple[bool, ...]:
    """Whether exponents of each entry could overflow; that of one is no matter of the others in its batch."""
    heights = [float(height) for height in v.abs().flatten(1).amax(-1)]
    return tuple(not (a <= SAFE_EXPONENT and b <= SAFE_VALUE) for a, b in zip(reach, heights, strict=True))


def dot(a: Float[Tensor, "*rows d"], b: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows"]:
    """Σ a b of every row."""
    return torch.linalg.vecdot(a, b)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
