"""Attention by strips of query rows: exact output and gradient of every kernel, no query × key matrix kept.

A strip holds whole rows, so the kernel's own `weigh` computes it; the backward pass recomputes the strip from
queries and keys and applies the kernel's closed-form `pullback`.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from headscope.models.attention.fused.kernel_tensors import KernelOptions, Learning
from headscope.models.attention.fused.score_rule import ScoreRule, soft_cap_slope, soft_capped
from headscope.models.attention.fused.scratch import Scratch
from headscope.models.attention.options import Options
from headscope.models.attention.visibility import broadcast_part, visible_keys

if TYPE_CHECKING:
    from headscope.models.attention.variant import PreparedInputs, Variant

STRIP_ROWS, FEW_ROWS = 128, 16
TILE_ELEMENTS = 1 << 18  # a megabyte, which stays in the processor's cache


class Tile(NamedTuple):
    """A group of batch entries, a group of heads, a strip of queries, and how many first keys the strip can see."""

    batch: slice
    head: slice
    query: slice
    n_key: int


def tiles(
    n_rows: tuple[int, ...], n_key: int, causal: bool, elements: int | None = None, *, all_heads: bool = False
) -> Iterator[Tile]:
    """Tiles of about so many scores (TILE_ELEMENTS) that cover every [batch, head, query] row once, less a strip's
    future; all_heads: of all heads each."""
    batch, head, n_query = n_rows
    most = elements or TILE_ELEMENTS
    beside = head if all_heads else 1
    rows = min(max(FEW_ROWS, most // (n_key * beside)), STRIP_ROWS, n_query)
    entries = max(1, min(batch, most // (rows * n_key * head)))
    for b in range(0, batch, entries):
        for t in range(0, n_query, rows):
            end = min(t + rows, n_query)
            n_visible = end + n_key - n_query if causal else n_key
            heads = head if all_heads else max(1, min(head, most // (rows * n_visible)))
            for h in range(0, head, heads):
                yield Tile(slice(b, min(b + entries, batch)), slice(h, min(h + heads, head)), slice(t, end), n_visible)


def tile_visible(
    mask: Bool[Tensor, "..."] | None, causal: bool, tile: Tile, device: torch.device
) -> Bool[Tensor, "batch_or_one head_or_one query key"]:
    """What the tile's queries see of its keys; with the causal rule they are the last of those keys."""
    rows = tile.query.stop - tile.query.start
    return visible_keys(None if mask is None else tile_part(mask, tile), causal, rows, tile.n_key, device)


def tile_options(kernel: Options, tile: Tile) -> Options:
    """Kernel options for a tile: a tensor that varies by head or position is cut to it, anything else passes."""
    return {name: tile_part(value, tile) if isinstance(value, Tensor) else value for name, value in kernel.items()}


def tile_part(value: Shaped[Tensor, "..."], tile: Tile) -> Shaped[Tensor, "_ _ _ _"]:
    """The part of a tensor that broadcasts to [batch, head, query, key] which belongs to a tile."""
    return broadcast_part(value, (tile.batch, tile.head, tile.query, slice(0, tile.n_key)))


class TiledAttention(torch.autograd.Function):
    """output = weigh(scale · q kᵀ) v, strip by strip."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Float[Tensor, "batch head query d_head"],
        k: Float[Tensor, "batch head key d_head"],
        v: Float[Tensor, "batch head key d_value"],
        variant: "Variant",
        rule: ScoreRule,
        options: KernelOptions,
        *tensors: Tensor,
    ) -> Float[Tensor, "batch head query d_value"]:
        kernel = options.with_tensors(tensors)
        output = q.new_empty(*q.shape[:-1], v.shape[-1])
        for tile in tiles(q.shape[:3], k.shape[2], rule.causal, elements_of(q.device)):
            scores = soft_capped(tile_scores(q, k, tile, rule.scale), rule.soft_cap)
            visible = tile_visible(rule.mask, rule.causal, tile, q.device)
            pattern = variant.weigh(scores, visible, **tile_options(kernel, tile))
            output[tile.batch, tile.head, tile.query] = pattern @ v[tile.batch, tile.head, : tile.n_key]
        ctx.save_for_backward(q, k, v, *tensors)
        ctx.call = (variant, rule, options)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Float[Tensor, "batch head query d_value"]) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        if torch.is_grad_enabled():
            raise RuntimeError("attention without its pattern has first derivatives only; ask with need_pattern=True")
        q, k, v, *tensors = ctx.saved_tensors
        variant, rule, kept = ctx.call
        kernel, learning = kept.with_tensors(tensors), Learning.of(variant, kept, tensors, ctx.needs_input_grad[6:])
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for tile in tiles(q.shape[:3], k.shape[2], rule.causal, elements_of(q.device)):
            rows = (tile.batch, tile.head, tile.query)
            keys = (tile.batch, tile.head, slice(0, tile.n_key))
            scores = soft_capped(tile_scores(q, k, tile, rule.scale), rule.soft_cap)
            options, visible = tile_options(kernel, tile), tile_visible(rule.mask, rule.causal, tile, q.device)
            pattern = variant.weigh(scores, visible, **options)
            grad_pattern = grad_output[rows] @ v[keys].mT
            learning.add(scores, visible, partial(tile_options, tile=tile), grad_pattern)
            grad_scores = variant.pullback(scores, visible, pattern, grad_pattern, **options) * rule.scale
            if rule.soft_cap is not None:
                grad_scores *= soft_cap_slope(scores, rule.soft_cap)
            grad_q[rows] = grad_scores @ k[keys]
            grad_k[keys] += grad_scores.mT @ q[rows]
            grad_v[keys] += pattern.mT @ grad_output[rows]
        return grad_q, grad_k, grad_v, None, None, None, *learning.gradients()


def tile_scores(
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch head key d_head"],
    tile: Tile,
    scale: float,
    scratch: Scratch | None = None,
) -> Float[Tensor, "tile_batch tile_head tile_query tile_key"]:
    """The scores of a tile, in memory of their own, or in that of a scratch."""
    query, key = q[tile.batch, tile.head, tile.query] * scale, k[tile.batch, tile.head, : tile.n_key].mT
    if scratch is None:
        return query @ key
    return torch.matmul(query, key, out=scratch.of_shape("scores", query, (*query.shape[:-1], tile.n_key)))


def elements_of(device: torch.device) -> int:
    """How many scores a tile has: on a GPU enough for all of its processors."""
    return TILE_ELEMENTS if device.type == "cpu" else 64 * TILE_ELEMENTS


def tiled_attention(
    variant: "Variant",
    prepared: "PreparedInputs",
    k: Float[Tensor, "batch head key d_head"],
    rule: ScoreRule,
) -> Float[Tensor, "batch head query d_value"]:
    """The output of attention without its pattern; memory grows with the sequence, not its square.

    First derivatives only: a second one is refused.
    """
    options, tensors = KernelOptions.of(prepared.kernel)
    return TiledAttention.apply(prepared.q, k, prepared.v, variant, rule, options, *tensors)  # type: ignore[no-any-return]
