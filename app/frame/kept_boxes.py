"""Kept boxes: what the sidebar says goes along from page to page, also from one that was left while it was made.

Streamlit forgets a box that it had not finished drawing, and the link to the next page names nothing but the page.
"""

from collections.abc import Sequence

import streamlit as st

from headscope.app.frame.link_notes import ASKED
from headscope.app.serving.address import by_history

KEPT, PAGE = "kept_boxes", "page_of_boxes"


def restore_boxes(names: Sequence[str], page: str) -> None:
    """Write what was lost back into empty boxes when another page is shown. Call before they are drawn.

    A box that was never drawn whole gets what the link that began the session said.
    """
    is_other = st.session_state.get(PAGE, page) != page
    st.session_state[PAGE] = page
    if not is_other or by_history():
        return
    linked = {name: values[-1] for name, values in st.session_state.get(ASKED, {}).items() if values}
    said = linked | st.session_state.get(KEPT, {})
    for name in names:
        if st.session_state.get(name) in (None, "") and name in said:
            st.session_state[name] = said[name]


def keep_boxes(names: Sequence[str]) -> None:
    """Remember what boxes say. Call once they are drawn."""
    st.session_state[KEPT] = {name: st.session_state[name] for name in names if name in st.session_state}
