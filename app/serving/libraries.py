"""Libraries: the imports that take seconds, made once for all sessions behind a message."""

import gc
import os
from importlib import import_module

import streamlit as st

SLOW = (
    "torch",
    "transformers",
    "transformer_lens",
    "headscope.models.hooked.loading",
    "headscope.interp.asking.analyse",
)


@st.cache_resource(show_spinner="Loading torch, transformers and transformer-lens; once per start, some seconds …")
def load_libraries() -> None:
    """Import what the pages need; quick from the second call on."""
    # Read when torch is loaded: threads that spin while they wait make a busy computer a hundred times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in SLOW:
        import_module(name)
    # Streamlit collects garbage after every click; looking through the libraries' objects takes longer than the page.
    gc.collect()
    gc.freeze()
