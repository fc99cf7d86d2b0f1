"""Page scheme: runs a page anew when the browser turns light or dark, so that its figures turn too."""

import streamlit as st
from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.app.drawings.source import drawing_text

_mount = component("headscope_page_scheme", js=drawing_text("signed_colours.js") + source_text("page_scheme.js"))


def page_scheme() -> None:
    """Watch the colours of the page; nothing is seen of it."""
    with st.container(key="page-scheme"):
        _mount(key="scheme", data={"made_for": st.context.theme.type}, on_scheme_change=lambda: None)
