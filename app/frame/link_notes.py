"""Link notes: what a link asks for and the page does not have is said, whichever box or number it was meant for."""

import re

import streamlit as st

from headscope.app.serving.refusals import plain_markdown

ASKED, NOTES = "asked_by_link", "notes_of_link"
MOST_CHARACTERS = 60
WORDS = re.compile(r"[^\w-]+|_")


def remember_link() -> None:
    """Keep what the link of a new session asks for, before anything reads and corrects it. Call before any widget."""
    if ASKED not in st.session_state:
        st.session_state[ASKED] = {name: st.query_params.get_all(name) for name in st.query_params}


def link_notes() -> None:
    """Say where the page shows another thing than the link asked for, until that is changed. Call after the page."""
    if NOTES not in st.session_state:
        request = st.session_state[ASKED]
        shown = {name: shown_under(name) for name in request}
        st.session_state[NOTES] = {
            name: shown[name] for name in request if normalised_values(request[name]) != normalised_values(shown[name])
        }
    notes = [
        f"The link says {name} = {clipped(st.session_state[ASKED][name])}, which there is not here; "
        f"{clipped(shown) or 'nothing'} is shown."
        for name, shown in st.session_state[NOTES].items()
        if shown_under(name) == shown
    ]
    if notes:
        st.warning("\n\n".join(map(plain_markdown, notes)))


def shown_under(name: str) -> list[str]:
    """What a name of the address says now: in the address, or in the box of that name where it says the usual."""
    if name in st.query_params:
        return st.query_params.get_all(name)
    value = st.session_state.get(name)
    if value is None:
        return []
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def normalised_values(values: list[str]) -> list[str]:
    """Without capitals, dots and underscores, as boxes and the address spell them differently."""
    return [" ".join(WORDS.sub(" ", value).lower().split()) for value in values]


def clipped(values: list[str]) -> str:
    """The beginning of what was said."""
    text = ", ".join(map(repr, values))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"
