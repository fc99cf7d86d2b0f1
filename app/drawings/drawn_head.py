"""Drawn head: what a head view draws of one head, its whole pattern as a tile, and how it is to look."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from headscope.app.drawings.edit_kinds import EDIT_KINDS
from headscope.app.drawings.head_answer import ReadHead
from headscope.app.drawings.head_numbers import NOTHING, StatisticField, numbers_of_rows
from headscope.app.drawings.head_tile import MOST_EXACT, Arrays, head_tile, is_exact, whole
from headscope.app.drawings.open_head import OpenHead
from headscope.app.drawings.payload import payload
from headscope.app.drawings.signed_code import signed_code
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class HeadStyle:
    """How a head is drawn: colour scale, whether all heads share one range, and which way tokens are read.

    peak: the end of the colour range, for views that are to share one; None takes it from the run.
    mark_signs: a stroke in every cell that is negative, where cells are large enough for one.
    """

    scale: str
    shared_range: bool
    direction: str
    peak: float | None = None
    mark_signs: bool = False


DIRECTIONS = ("attends to", "attended by")
PLAIN = HeadStyle("square root", False, DIRECTIONS[0])


def common_peak(shown: Iterable[tuple[AttentionRun, OpenHead]]) -> float:
    """The strongest weight of several heads, perhaps of several runs: the `peak` of views that share a range."""
    return max(float(run.summary.peaks[head.layer, head.head]) for run, head in shown)


def drawn_head(read: ReadHead, look: HeadStyle, *, is_compact: bool = False, has_menu: bool = False) -> bytes:
    """What the browser draws: the whole pattern as a tile, and where that is exact, the numbers of every row.

    is_compact: exact weights in 16 bits each instead of 32, at most 3e-5 of the head's peak off (signed_code).
    has_menu: whether weights offer changes of them.
    """
    run, head = read.run, read.head
    place, arrays = head_tile(run, head.layer, head.head, whole(run))
    peak = float(run.summary.peaks[head.layer, head.head])
    own_range = float(run.summary.peaks.max()) if look.shared_range else peak
    fields = numbers_of_rows(run, head.layer)
    header = {
        "key": read.view,
        "run": read.run_name,
        "name": read.name,
        "place": [head.layer, head.head],
        "edits": EDIT_KINDS if has_menu else [],
        "tokens": run.tokens.strings,
        "start": run.tokens.read_out % len(run.tokens),
        "grid": run.tokens.grid,
        "tile": place,
        "exact": MOST_EXACT,
        "peak": peak,
        "range": (own_range if look.peak is None else look.peak) or 1.0,
        "scale": look.scale,
        "direction": look.direction,
        "signs": look.mark_signs,
        "numbers": [number_with_mean(read, number) for number in fields],
    }
    if is_exact(whole(run)):
        rows = [getattr(run.rows, number.field)[head.layer, head.head].numpy() for number in fields]
        arrays = {**(in_codes(arrays, peak) if is_compact else arrays), "rows": np.stack(rows).astype(np.float32)}
    if NOTHING in fields:
        arrays = {**arrays, "nothing": run.rows.nothing[head.layer, head.head].numpy().astype(np.float32)}
    pixels = run.tokens.shown_pixels
    shown = {} if pixels is None else {"picture": picture_of(pixels)}
    return payload(header, **arrays, **shown)


def number_with_mean(read: ReadHead, number: StatisticField) -> Fields:
    """What the browser is told of a number of rows: its name, its meaning, and the head's mean, or None."""
    mean = float(getattr(read.run.heads, number.field)[read.head.layer, read.head.head])
    return {"label": number.label, "meaning": number.meaning, "mean": None if np.isnan(mean) else mean}


def in_codes(arrays: Arrays, peak: float) -> Arrays:
    """The same with codes of 16 bits in the place of weights."""
    weights = arrays["weights"]
    codes = signed_code(weights, ~np.isnan(weights), peak, np.int16)
    return {"reach": arrays["reach"], "codes": codes}


def picture_of(pixels: Float[torch.Tensor, "channel row column"]) -> np.ndarray:
    """The pixels as bytes [row, column, red green blue alpha]; -1 is black and 1 white."""
    bytes_of = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).expand(3, -1, -1)
    return np.concatenate([bytes_of.movedim(0, -1).numpy(), np.full((*bytes_of.shape[1:], 1), 255, np.uint8)], -1)
