"""Head grid: a signed thumbnail of every head of every layer, each a button that opens its head."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.head_numbers import StatisticField
from headscope.app.components.payload import payload
from headscope.app.components.signed_code import signed_code
from headscope.app.components.source import source_text
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun

KEY = "head_grid"
Labels = Sequence[Sequence[str]]  # [layer][head]
_mount = component(
    "headscope_head_grid",
    html='<div class="grid" role="grid" aria-label="Heads of all layers"></div>',
    css=source_text("head_grid.css"),
    js=source_text("payload.js", "signed_colours.js", "token_text.js", "head_grid.js"),
)
_mount_mark = component("headscope_head_mark", js=source_text("head_mark.js"))


def head_thumbnail_grid(
    run: AttentionRun,
    rows: Sequence[int],
    *,
    number: StatisticField,
    order: tuple[bool, str | None],
    labels: Labels,
    shared_range: bool,
    selected: OpenHead,
    on_open: Callable[[OpenHead], None],
) -> None:
    """Draw the grid; a click or an arrow key calls `on_open`. Each thumbnail has its own range unless it is shared.

    rows: the numbers of the layers that have heads, a row for each. order: whether heads are sorted by the number, and
    the label of those that are shown alone. labels: a short name of each head, or nothing.

    The mark of the open head is a component of its
    own: the thumbnails are the same bytes whichever head is open, and Streamlit sends the same bytes once.
    """
    pictures = run.summary.thumbnails.numpy()
    layers, heads, side, _ = pictures.shape
    with_heads = np.repeat(np.isin(np.arange(layers), rows), heads)
    flat = pictures.reshape(layers * heads, side, side)
    visible = np.repeat(run.summary.thumbnail_visible.numpy(), heads, axis=0)
    peaks = run.summary.peaks.flatten().tolist()
    values = getattr(run.heads, number.field).flatten().numpy()
    names = [name for layer in labels for name in layer] or [""] * len(values)
    codes = signed_code(flat, visible, np.array(peaks)[:, None, None], np.int8)
    header = {
        "key": KEY,
        "layers": list(rows),
        "heads": heads,
        "side": side,
        "ranges": [max(peaks)] * len(peaks) if shared_range else peaks,
        "peaks": peaks,
        "label": number.label,
        "values": [None if np.isnan(value) else float(value) for value in values],
        "labels": names,
        "order": shown_order(values, with_heads, names, *order),
    }
    opened = answer_callback(KEY, "head", lambda choice: on_open(OpenHead(*divmod(int(choice["head"]), heads))))
    chosen = _mount(key=KEY, data=payload(header, codes=codes), on_head_change=opened).get("head")
    place, stamp = selected.layer * heads + selected.head, chosen["stamp"] if chosen else 0
    _mount_mark(key=f"mark-of-{KEY}", data={"grid": KEY, "selected": place, "stamp": stamp})


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
