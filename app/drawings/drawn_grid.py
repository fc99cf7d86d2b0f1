"""Drawn grid: what a grid of heads draws, a signed thumbnail of every head of every layer with a number under it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from headscope.app.drawings.edit_kinds import EDIT_KINDS
from headscope.app.drawings.head_numbers import StatisticField
from headscope.app.drawings.payload import payload
from headscope.app.drawings.signed_code import signed_code
from headscope.interp.heads.attention_run import AttentionRun

Labels = Sequence[Sequence[str]]  # [layer][head]
PLAIN_ORDER = (False, None)  # by layers, all of them


def drawn_grid(
    run: AttentionRun,
    rows: Sequence[int],
    key: str,
    *,
    number: StatisticField,
    order: tuple[bool, str | None] = PLAIN_ORDER,
    labels: Labels = (),
    marks: Sequence[str] = (),
    shared_range: bool = False,
    has_menu: bool = False,
) -> bytes:
    """The thumbnails of a run, each with a range of its own unless it is shared.

    rows: the numbers of the layers that have heads, a row for each. key: what the browser knows the grid by.
    order: whether heads are sorted by the number, and the label of those that are shown alone. labels: a short name of
    each head, or nothing. marks: how a head's number stands to chance, "near", "bound" or "". has_menu: whether a head
    offers changes of its weights.
    """
    layers, heads, side, _ = run.summary.thumbnails.shape
    with_heads = np.repeat(np.isin(np.arange(layers), rows), heads)
    peaks = run.summary.peaks.flatten().tolist()
    values = getattr(run.heads, number.field).flatten().numpy()
    names = [name for layer in labels for name in layer] or [""] * len(values)
    header = {
        "key": key,
        "layers": list(rows),
        "heads": heads,
        "side": side,
        "ranges": [max(peaks)] * len(peaks) if shared_range else peaks,
        "peaks": peaks,
        "label": number.label,
        "values": [None if np.isnan(value) else float(value) for value in values],
        "labels": names,
        "edits": EDIT_KINDS if has_menu else [],
        "marks": list(marks) or [""] * len(values),
        "order": shown_order(values, with_heads, names, *order),
    }
    return payload(header, codes=thumbnail_codes(run))


def thumbnail_codes(run: AttentionRun) -> Int[np.ndarray, "head row column"]:
    """The thumbnails in codes of 8 bits, each in the range of its own peak."""
    pictures, heads = run.summary.thumbnails.flatten(0, 1).numpy(), run.summary.thumbnails.shape[1]
    visible = np.repeat(run.summary.thumbnail_visible.numpy(), heads, axis=0)
    return signed_code(pictures, visible, run.summary.peaks.flatten().double().numpy()[:, None, None], np.int8)


def shown_order(
    values: Float[np.ndarray, "head"],
    with_heads: Bool[np.ndarray, "head"],
    names: Sequence[str],
    is_sorted: bool,
    name: str | None,
) -> list[int] | None:
    """The heads in the order in which they are drawn, where that is not a row for each layer."""
    if not is_sorted and name is None:
        return None
    places = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable") if is_sorted else np.arange(len(values))
    return [at for at in places.tolist() if with_heads[at] and name in (None, names[at])]
