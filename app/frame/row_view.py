"""Row view: heads as heatmaps of one row, which stands in the address and is the same in every view of a page."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from headscope.app.components.head_view import head_view
from headscope.app.drawings.drawn_head import PLAIN, HeadStyle
from headscope.app.serving.address import OpenHead, index_from_address, write_lasting
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.io.fields import Fields

ROW, OF_TOKENS = "row", "row_of_tokens"


def row_view(
    run: AttentionRun,
    run_name: str,
    head: OpenHead,
    *,
    key: str = "head_view",
    look: HeadStyle = PLAIN,
    peak: float | None = None,
    on_edit: Callable[[Fields], None] | None = None,
) -> int:
    """Draw a head and return the row of the address; a click in any view moves it in all. peak: of a shared range.

    on_edit: called with what was chosen in its menu; None has no menu.
    """
    row = open_row(run.tokens)
    style = replace(look, peak=peak)
    return head_view(run, run_name, head, style, key, row=row, on_row=write_row, on_edit=on_edit)


def chosen_row(tokens: Prompt) -> int:
    """A slider over the rows, which is the row of the address, and the token of the row in words."""
    key, last = f"chosen-row-{len(tokens)}", len(tokens) - 1
    st.session_state[key] = at = open_row(tokens)
    if last:
        st.slider("Row", 0, last, key=key, on_change=lambda: write_row(st.session_state[key]))
    st.text(f"{tokens.strings[at]!r} at position {at}")
    return at


def write_row(row: int) -> None:
    """Put a row into the address."""
    write_lasting(**{ROW: str(row)})


def open_row(tokens: Prompt) -> int:
    """The row that the address names; the one that answers (the last, or the class token) where it names none.

    It is that one too after another prompt was typed; another image has the same patches.
    """
    start = tokens.read_out % len(tokens)
    words = tokens.ids if isinstance(tokens, PromptTokens) else tokens.strings
    if st.session_state.setdefault(OF_TOKENS, words) != words:
        st.session_state[OF_TOKENS] = words
        write_row(start)
    return index_from_address(ROW, len(tokens), start)
