"""Head grid: a signed thumbnail of every head of every layer, each a button that opens its head."""

from collections.abc import Callable, Sequence

from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.source import source_text
from headscope.app.drawings.drawing import HEAD_GRID
from headscope.app.drawings.drawn_grid import Labels, drawn_grid
from headscope.app.drawings.head_numbers import StatisticField
from headscope.app.drawings.open_head import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields

KEY = "head_grid"
_mount = component("headscope_head_grid", html=HEAD_GRID.html, css=HEAD_GRID.css, js=HEAD_GRID.module)
_mount_mark = component("headscope_head_mark", js=source_text("head_mark.js"))


def head_thumbnail_grid(
    run: AttentionRun,
    rows: Sequence[int],
    *,
    number: StatisticField,
    order: tuple[bool, str | None],
    labels: Labels,
    marks: Sequence[str],
    shared_range: bool,
    selected: OpenHead,
    on_open: Callable[[OpenHead], None],
    on_edit: Callable[[Fields], None] | None = None,
) -> None:
    """Draw the grid; a click or an arrow key calls `on_open`, a choice in a head's menu `on_edit`.

    Each thumbnail has its own range unless it is shared. rows: the numbers of the layers that have heads, a row for
    each. order: whether heads are sorted by the number, and the label of those that are shown alone. labels: a short
    name of each head, or nothing. marks: how its number stands to chance.
    The mark of the open head is a component of its own: the thumbnails are the same bytes whichever head is open, and
    Streamlit sends the same bytes once.
    """
    heads = run.n_heads
    drawn = drawn_grid(
        run,
        rows,
        KEY,
        number=number,
        order=order,
        labels=labels,
        marks=marks,
        shared_range=shared_range,
        has_menu=on_edit is not None,
    )
    opened = answer_callback(KEY, "head", lambda choice: on_open(OpenHead(*divmod(int(choice["head"]), heads))))
    edited = answer_callback(KEY, "edit", on_edit or (lambda choice: None))
    chosen = _mount(key=KEY, data=drawn, on_head_change=opened, on_edit_change=edited).get("head")
    place, stamp = selected.layer * heads + selected.head, chosen["stamp"] if chosen else 0
    _mount_mark(key=f"mark-of-{KEY}", data={"grid": KEY, "selected": place, "stamp": stamp})
