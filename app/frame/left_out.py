"""Left out: analyses that do not suit the open model, said in one sentence in the place of their panels."""

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.interp.asking.applicable import unsuited
from headscope.interp.asking.table import ANALYSES


def can_read(opened: OpenPrompt, name: str) -> bool:
    """Whether an analysis has something to say of the open model."""
    return not unsuited(ANALYSES[name], opened.facts)


def readable_analyses(opened: OpenPrompt, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the analyses that can."""
    return tuple(name for name in names if can_read(opened, name))


def left_out(opened: OpenPrompt, name: str, title: str) -> bool:
    """Say why an analysis is not on the page, where it does not suit the model; whether it was said."""
    why = unsuited(ANALYSES[name], opened.facts).rstrip(".")
    if why:
        note(f"{title}: left out, because it {why}.")
    return bool(why)


def note(sentence: str) -> None:
    """One sentence in the place of a panel."""
    st.info(sentence, icon=":material/image:")
