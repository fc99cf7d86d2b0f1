"""Libraries: the imports that take seconds, made once for all sessions behind a message."""

from importlib import import_module

import streamlit as st

SLOW = ("torch", "transformers", "transformer_lens")


@st.cache_resource(show_spinner="Loading torch, transformers and transformer-lens; once per start, some seconds …")
def load_libraries() -> None:
    """Import what the pages need; quick from the second call on."""
    for name in SLOW:
        import_module(name)
