"""Pattern tile: a square window of one head's pattern, a cell for each weight or for the strongest of a block."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_summary import row_strips
from headscope.interp.heads.signed_max_pool import StripPool, causal_max_pool


@dataclass(frozen=True)
class Window:
    """Which queries and keys: size of either, from top and left on."""

    top: int
    left: int
    size: int


@dataclass(frozen=True)
class PatternTile:
    """The weights of a window, of blocks the largest by abs(a) with its sign, and which cells hold a visible key."""

    window: Window
    weights: Float[Tensor, "small small"]
    visible: Bool[Tensor, "small small"]


def pattern_tile(run: AttentionRun, layer: int, head: int, window: Window, most: int) -> PatternTile:
    """A window of a head in at most most × most cells, as signed_max_pool makes them of the whole window."""
    size, side = window.size, min(window.size, most)
    pool, seen = StripPool(1, size, side), StripPool(1, size, side)
    attention = run.layers[layer]
    sees_past = attention is not None and attention.sees_whole_past
    for strip in row_strips(size, 1):
        rows = slice(window.top + strip.start, window.top + strip.stop)
        keys = slice(window.left, window.left + size)
        if attention is None:
            continue
        pool.add(strip.start, padded(attention.weights(slice(head, head + 1), rows)[..., keys], size))
        if not sees_past:
            seen.add(strip.start, padded(attention.visible(rows)[None, :, keys].float(), size))
    visible = causal_max_pool(size, side, window.top - window.left) if sees_past else seen.pooled()[0] > 0
    return PatternTile(window, pool.pooled()[0], visible)


def padded(part: Float[Tensor, "one row some"], size: int) -> Float[Tensor, "one row key"]:
    """Zeros in the place of keys behind all that were seen."""
    return part if part.shape[-1] else pad(part, (0, size))


def pattern_column(run: AttentionRun, layer: int, head: int, key: int) -> Float[Tensor, "query"]:
    """What every query of a head gives one key."""
    strips = row_strips(len(run.tokens), 1)
    return torch.cat([run.weights(layer, head, strip)[:, key] for strip in strips])


def visible_column(run: AttentionRun, layer: int, key: int) -> Bool[Tensor, "query"]:
    """Which queries of a layer see one key."""
    strips = row_strips(len(run.tokens), 1)
    return torch.cat([run.visible_of(layer, strip)[:, key] for strip in strips])
