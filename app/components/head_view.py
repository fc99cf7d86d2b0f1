"""Head view: one open head as a signed heatmap, as coloured tokens, and as numbers of the chosen row."""

from collections.abc import Callable

from streamlit.components.v2 import component

from headscope.app.components.answers import answer_callback
from headscope.app.components.head_reader import head_reader
from headscope.app.components.source import source_text
from headscope.app.drawings.drawing import HEAD_VIEW
from headscope.app.drawings.drawn_head import DIRECTIONS, PLAIN, HeadStyle, drawn_head
from headscope.app.drawings.head_answer import COLUMN, ROW, ReadHead
from headscope.app.drawings.head_tile import is_exact, whole
from headscope.app.drawings.open_head import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields

_mount = component("headscope_head_view", html=HEAD_VIEW.html, css=HEAD_VIEW.css, js=HEAD_VIEW.module)
_mount_row = component("headscope_head_row", js=source_text("head_row.js"))


def head_view(
    run: AttentionRun,
    run_name: str,
    head: OpenHead,
    look: HeadStyle = PLAIN,
    key: str = "head_view",
    *,
    row: int | None = None,
    on_row: Callable[[int], None] | None = None,
    on_edit: Callable[[Fields], None] | None = None,
) -> int:
    """Draw the head and return the chosen row; pointing stays in the browser, a click on a row runs the page again.

    row: the one that is shown; None lets the view keep its own. on_row: called with a row that was chosen in this
    view, before the page runs again. on_edit: called with what was chosen in the menu of a weight, a row or the head;
    None has no menu. Views whose `on_row` writes what all of them get as `row` stay in step.
    """
    count, start = len(run.tokens), run.tokens.read_out % len(run.tokens)

    def chosen(choice: Fields) -> None:
        if on_row is not None and choice.get("run") == run_name:
            on_row(chosen_row(choice, run_name, count, start))

    read = ReadHead(run, run_name, head, key)
    data = drawn_head(read, look, has_menu=on_edit is not None)
    moved = answer_callback(key, "row", chosen)
    edited = answer_callback(key, "edit", on_edit or (lambda choice: None))
    state = _mount(key=key, data=data, on_row_change=moved, on_edit_change=edited).get("row")
    shown = chosen_row(state, run_name, count, start) if row is None else max(0, min(row, count - 1))
    if not is_exact(whole(run)):
        head_reader(read, (COLUMN if look.direction == DIRECTIONS[1] else ROW, shown))
    if row is not None:
        heard = state.get("stamp", 0) if state else 0
        _mount_row(key=f"row-of-{key}", data={"view": key, "run": run_name, "row": shown, "stamp": heard})
    return shown


def chosen_row(state: dict | None, run_name: str, count: int, start: int) -> int:
    """The row that the browser chose in this run; until then the one that answers."""
    if not state or state.get("run") != run_name:
        return start
    return max(0, min(int(state["row"]), count - 1))
