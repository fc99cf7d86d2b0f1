"""Refusals: what the user asked for cannot be done, said in one sentence in a box instead of a traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.model_source import NothingAskedError


@contextmanager
def refusals_in_a_box(title: str) -> Iterator[None]:
    """Show a ValueError or OSError (bad input, unreadable files) as an error box and end the page there."""
    try:
        yield
    except NothingAskedError as invitation:
        st.info(str(invitation), icon=":material/folder_open:")
        st.stop()
    except (ValueError, OSError) as refusal:
        st.error(f"**{title}**\n\n{plain_markdown(str(refusal))}", icon=":material/error:")
        st.stop()


def plain_markdown(text: str) -> str:
    """Markdown that shows a text as it is: paths, tokens and tags in it must not become markup."""
    return re.sub(r"([^\w\s])", r"\\\1", " ".join(text.split()), flags=re.ASCII)
