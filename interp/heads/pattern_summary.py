"""Pattern summary: what is kept of the patterns of all heads, read off strips: statistics, peaks, thumbnails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.heads.layer_attention import LayerAttention
from headscope.interp.heads.signed_max_pool import StripPool, causal_max_pool
from headscope.interp.reading.watch import Progress
from headscope.interp.rows.row_statistics import RowStatistics, row_statistics

THUMBNAIL_SIDE = 32
STRIP_CELLS = 1 << 20  # four megabytes of weights: few enough for the processor's cache, enough for its products
MOST_ROWS = 256
NAMES = tuple(field.name for field in fields(RowStatistics))


@dataclass(frozen=True)
class PatternSummary:
    """The row statistics of every head, its largest abs(a), and its pattern in at most 32 × 32 blocks.

    thumbnails: as signed_max_pool has them. thumbnail_visible: blocks with a visible cell. A layer without heads has
    rows of zeros, sees nothing.
    """

    rows: RowStatistics
    visible_keys: Int[Tensor, "*layer query"]
    peaks: Float[Tensor, "*layer head"]
    thumbnails: Float[Tensor, "*layer head small small"]
    thumbnail_visible: Bool[Tensor, "*layer small small"]


def row_strips(count: int, heads: int, cells: int = STRIP_CELLS, most: int = MOST_ROWS) -> Iterator[slice]:
    """Strips of at most so many rows, of which so many heads have about so many weights."""
    step = max(1, min(cells // (heads * count), most))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def pattern_summary(
    layers: Sequence[LayerAttention | None], heads: int, count: int, watch: Progress = lambda *stage: None
) -> PatternSummary:
    """The summary of a run's layers, of which None has no heads. watch: told which layer is read."""
    parts = []
    for number, layer in enumerate(layers):
        watch("reading the heads of layers", number, len(layers))
        parts.append(absent_summary(heads, count) if layer is None else layer_summary(layer, heads, count))
    stacked = {
        field.name: torch.stack([getattr(part, field.name) for part in parts])
        for field in fields(PatternSummary)
        if field.name != "rows"
    }
    rows = RowStatistics(*(torch.stack([getattr(part.rows, name) for part in parts]) for name in NAMES))
    return PatternSummary(rows, **stacked)


def layer_summary(layer: LayerAttention, heads: int, count: int) -> PatternSummary:
    """The same of one layer, without an axis of layers."""
    rows = RowStatistics(*(torch.empty(heads, count) for _ in NAMES))
    visible_keys = torch.empty(count, dtype=torch.int64)
    pool, seen = StripPool(heads, count, THUMBNAIL_SIDE), StripPool(1, count, THUMBNAIL_SIDE)
    peaks = torch.zeros(heads)
    for strip in row_strips(count, heads):
        weights = layer.weights(slice(0, heads), strip)
        for name, values in zip(NAMES, statistics_in_order(weights), strict=True):
            getattr(rows, name)[:, strip] = values
        pool.add(strip.start, weights)
        peaks = torch.maximum(peaks, weights.abs().nan_to_num(0.0, 0.0).amax((1, 2)).float())
        if layer.sees_whole_past:
            visible_keys[strip] = torch.arange(strip.start + 1, strip.stop + 1)
        else:
            visible = layer.visible(strip)
            visible_keys[strip] = visible.sum(-1)
            seen.add(strip.start, visible[None].float())
    shown = causal_max_pool(count, THUMBNAIL_SIDE) if layer.sees_whole_past else seen.pooled()[0] > 0
    return PatternSummary(rows, visible_keys, peaks, pool.pooled(), shown)


def statistics_in_order(weights: Float[Tensor, "head row key"]) -> list[Float[Tensor, "head row"]]:
    """The row statistics, as NAMES has them."""
    rows = row_statistics(weights)
    return [getattr(rows, name) for name in NAMES]


def absent_summary(heads: int, count: int) -> PatternSummary:
    """That of a layer without heads."""
    rows = RowStatistics(*statistics_in_order(torch.zeros(heads, count, 1)))
    side = min(THUMBNAIL_SIDE, count)
    none = torch.zeros(side, side, dtype=torch.bool)
    return PatternSummary(
        rows, torch.zeros(count, dtype=torch.int64), torch.zeros(heads), torch.zeros(heads, side, side), none
    )
