"""Refusals: what the user asked for cannot be done, said in one sentence in a box instead of a traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from headscope.app.serving.doors.model_roots import ElsewhereError, agree_to
from headscope.app.serving.model_source import NothingAskedError
from headscope.models.io.foreign_input import is_panic, log

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


@contextmanager
def refusals_in_a_box(title: str) -> Iterator[None]:
    """Show a refusal (bad input, unreadable files, a panic) as an error box and end the page there."""
    try:
        yield
    except NothingAskedError as invitation:
        st.info(str(invitation), icon=":material/folder_open:")
        st.stop()
    except BaseException as refusal:
        box(title, refusal)
        st.stop()


@contextmanager
def refusals_in_place(title: str) -> Iterator[None]:
    """The same for a part of a page: an error box stands in its place, and the page goes on below it."""
    try:
        yield
    except BaseException as refusal:
        box(title, refusal)


def box(title: str, refusal: BaseException) -> None:
    """An error box for a refusal; anything else is raised again: a fault of ours, or what stops a page."""
    if isinstance(refusal, ElsewhereError):
        ask_to_agree(title, refusal)
        return
    if not (isinstance(refusal, ValueError | OSError) or is_panic(refusal)):
        raise refusal
    if is_panic(refusal):
        log.info("%s", title, exc_info=refusal)
    st.error(f"**{title}**\n\n{plain_markdown(str(refusal))}", icon=":material/error:")


def ask_to_agree(title: str, refusal: ElsewhereError) -> None:
    """A question about a place outside the roots, with the button that answers it; title: tells its button apart."""
    st.warning(f"**Open this folder?**\n\n{plain_markdown(str(refusal))}", icon=":material/folder_open:")
    st.button(f"Open {refusal.place.name}", key=f"agree {title}", on_click=agree_to, args=(refusal.place,))


def plain_markdown(text: str) -> str:
    """Markdown that shows a text as it is: paths, tokens and tags in it must not become markup."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
