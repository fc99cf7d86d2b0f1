"""Left out: analyses that cannot read an image, said in one sentence in the place of their panels."""

import streamlit as st

from headscope.app.frame.page import Opened
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.image_words import said_of_images


def reads(opened: Opened, name: str) -> bool:
    """Whether an analysis can read what the open model reads."""
    return opened.facts.reads == "text" or not ANALYSES[name].text_only


def readable(opened: Opened, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the analyses that can."""
    return tuple(name for name in names if reads(opened, name))


def left_out(opened: Opened, name: str, title: str) -> bool:
    """Say why an analysis is not on the page, where it cannot read an image; whether it was said."""
    if reads(opened, name):
        return False
    note(f"{title}: left out, because it {ANALYSES[name].text_only}.")
    return True


def worded(opened: Opened, title: str) -> str:
    """A title about the last token of a prompt, said of an image's class token where one is open."""
    return title if opened.facts.reads == "text" else said_of_images(title)


def note(sentence: str) -> None:
    """One sentence in the place of a panel."""
    st.info(sentence, icon=":material/image:")
