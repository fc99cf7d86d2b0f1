"""Left out: analyses that do not suit the open model, said in one sentence in the place of their panels."""

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.interp.asking.applicable import unanswered, unsuited
from headscope.interp.asking.table import ANALYSES


def can_read(opened: OpenPrompt, name: str) -> bool:
    """Whether an analysis has something to say of the open model."""
    return not unsuited(ANALYSES[name], opened.facts)


def readable_analyses(opened: OpenPrompt, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the analyses that have something to say of the open model and prompt."""
    return tuple(name for name in names if not reason(opened, name))


def left_out(opened: OpenPrompt, name: str, title: str) -> bool:
    """Say why an analysis is not on the page, where it does not suit model and prompt; whether it was said."""
    why = reason(opened, name).rstrip(".")
    if why:
        note(f"{title}: left out, because it {why}.")
    return bool(why)


def reason(opened: OpenPrompt, name: str) -> str:
    """Why an analysis has nothing to say of the open model and prompt, as the end of a sentence, or nothing."""
    row = ANALYSES[name]
    why = unsuited(row, opened.facts) or (no_answer(opened) if row.reads_answer else "")
    return why or (opened.service.weights.misread_words(row.matrices) if row.matrices else "")


def no_answer(opened: OpenPrompt) -> str:
    """Why the model answers nothing to the open prompt, as the end of a sentence, or nothing."""
    return unanswered(opened.facts, [opened.tokens])


def note(sentence: str) -> None:
    """One sentence in the place of a panel."""
    st.info(sentence, icon=":material/image:")
