"""Row curves from queries and keys, strip by strip: exact for every kernel, no query × key matrix kept."""

from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.gauges import kernel_gauges
from headscope.interp.rows.curves import RowCurves, curves_of
from headscope.interp.rows.gathered_rows import GatheredRows
from headscope.interp.rows.reading import TOP, Reading, Rows
from headscope.interp.rows.strip_rows import rows_of_strip
from headscope.interp.rows.strip_scores import StripScores, equal_weights
from headscope.models.attention import variant_named
from headscope.models.attention.attend import refuse_unknown_options
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.score_rule import soft_capped
from headscope.models.attention.fused.scratch import Scratch
from headscope.models.attention.fused.tiled import Tile, tile_options, tile_part, tile_scores, tile_visible, tiles
from headscope.models.attention.run import Inputs, at_least_float32, check_kernel, repeated_kv_heads
from headscope.models.attention.shapes import check_causal, check_shapes
from headscope.models.seam.watched_calls import Call


def row_curves_by_strips(
    variant: str,
    q: Float[Tensor, "layer head query d_head"],
    k: Float[Tensor, "layer kv_head key d_head"],
    *,
    mask: Bool[Tensor, "..."] | None = None,
    causal: bool = True,
    scale: float | None = None,
    top: int = TOP,
    **options: object,
) -> RowCurves:
    """row_curves of what `attend` makes of queries and keys (rotated where the model does); its options and errors.

    Memory grows with the length, not its square: whole rows are weighed, measured and let go.
    """
    row = variant_named(variant)
    refuse_unknown_options(row, options)
    check_shapes(q, k, k, mask)
    if causal:
        check_causal(q.shape[2], k.shape[2])
    factor = row.scale_of(row.options, q.shape[-1] ** -0.5) if scale is None else scale
    return curves_of([rows_of_call(Call(0, row, Inputs(q, k, k, mask, causal, factor), options), top)])


@torch.no_grad()
def rows_of_call(call: Call, top: int = TOP) -> Rows:
    """The rows of one attention call, the entries of its batch in the place of layers."""
    row, inputs = call.variant, call.given
    k = repeated_kv_heads(at_least_float32(inputs.k), inputs.q.shape[1])
    prepared = row.prepare(at_least_float32(inputs.q), k, **call.options)
    check_kernel(prepared.kernel, (*prepared.q.shape[:3], k.shape[2]))
    gauges = kernel_gauges(row.name, prepared.kernel, is_capped=inputs.soft_cap is not None)
    reading = Reading(row.name, prepared.kernel, top, gauges)
    n_query, n_key = inputs.q.shape[2], k.shape[2]
    position = torch.arange(n_key - n_query, n_key, device=k.device)
    rows = GatheredRows(prepared.q.shape[:3], position)
    scratch = Scratch()
    for tile in tiles(prepared.q.shape[:3], n_key, inputs.causal, all_heads=row.mixes_heads):
        of_tile = replace(reading, kernel=tile_options(prepared.kernel, tile))
        place, visible = position[tile.query], partial(tile_visible, inputs.mask, inputs.causal, tile, k.device)
        equal = rows.equal_weights(
            tile,
            inputs.mask,
            partial(equal_weights, visible, inputs.causal and inputs.mask is None, place, top, k.dtype),
        )
        hidden = hidden_of(inputs.mask, inputs.causal, tile)
        scores = hidden.lowered(soft_capped(tile_scores(prepared.q, k, tile, inputs.scale, scratch), inputs.soft_cap))
        first = tile.query.start + n_key - n_query
        strip = StripScores(scores, hidden, visible, place, first, equal, inputs.causal, scratch)
        rows.add(tile, rows_of_strip(of_tile, strip))
    return Rows(reading, rows.measures())


def hidden_of(mask: Bool[Tensor, "..."] | None, causal: bool, tile: Tile) -> Hidden:
    """What the rows of a tile do not see of its keys."""
    n_rows = tile.query.stop - tile.query.start
    diagonal = tile.n_key - n_rows if causal and n_rows > 1 else None
    return Hidden(diagonal, None if mask is None else ~tile_part(mask, tile))
