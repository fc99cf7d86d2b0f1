"""Row view: heads as heatmaps of one row, which stands in the address and is the same in every view of a page."""

import streamlit as st

from app.address import clamped, write_lasting
from interp.attention_run import AttentionRun

ROW, OF_TOKENS = "row", "row_of_tokens"


def open_row(run: AttentionRun) -> int:
    """The row that the address names; the last one where it names none, and after another prompt was typed."""
    ids = run.tokens.ids
    if st.session_state.setdefault(OF_TOKENS, ids) != ids:
        st.session_state[OF_TOKENS] = ids
        write_lasting(**{ROW: str(len(ids) - 1)})
    return clamped(ROW, len(ids), len(ids) - 1)
