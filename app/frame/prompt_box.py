"""Prompt box: a text that is typed, pasted or sent as a file; long ones are kept here, and a link names them."""

import streamlit as st

from headscope.app.serving.address import forget_lasting, lasting_address_value, write_lasting
from headscope.app.serving.kept.texts import MOST_BYTES, fits_address, keep_text, kept_text, text_of_file
from headscope.app.serving.refusals import refusals_in_place

PROMPT, TEXT, FILE, CUT = "prompt", "text", "text_file", "prompt_cut"
SHOWN = 120  # characters of the beginning and the end of a long text


def prompt_box() -> str:
    """Draw the box, above it what stands for a long text, and below it one for a file; the prompt."""
    place = st.container()
    sent_text()
    with place:
        return text_box()


def text_box() -> str:
    """The box, after what was sent as a file was written into it."""
    text = long_text()
    if text is not None:
        st.text(f"{text[:SHOWN].rstrip()}\n…\n{text[-SHOWN:].lstrip()}")
        st.caption(f"A long text of {len(text):,} characters. A link reopens it on this computer.")
    typed = st.text_area(
        "Text" if text is None else "Another text",
        key=PROMPT,
        bind="query-params",
        height=190 if text is None else 100,
        on_change=take_prompt,
        label_visibility="collapsed" if text is None else "visible",
    )
    text = typed if text is None else text
    if cut := st.session_state.get(CUT):
        st.caption(f"{cut:,} characters came; the first {len(text):,} are taken, which is all that is read.")
    return text


def current_prompt() -> str:
    """The prompt as it is now, before the page has followed."""
    text = kept_text(lasting_address_value(TEXT))
    return str(st.session_state.get(PROMPT, "")) if text is None else text


def write_prompt(text: str) -> None:
    """Make a text the prompt: an example, what was pasted or sent, or a part of it."""
    kept = text.encode(errors="replace")[:MOST_BYTES].decode(errors="ignore")
    st.session_state[CUT] = len(text) if len(kept) < len(text) else None
    if fits_address(kept):
        forget_lasting(TEXT)
    else:
        write_lasting(**{TEXT: keep_text(kept)})
        kept = ""
    st.session_state[PROMPT] = kept


def take_prompt() -> None:
    """What was typed becomes the prompt."""
    write_prompt(st.session_state[PROMPT])


def keep_prompt() -> None:
    """A box that is not drawn would lose its text."""
    if PROMPT in st.session_state:
        st.session_state[PROMPT] = st.session_state[PROMPT]


def long_text() -> str | None:
    """The long text that the address names, or nothing."""
    name = lasting_address_value(TEXT)
    text = kept_text(name)
    if name and text is None:
        st.warning("The text that the link names is no longer kept here: paste it again, or send its file.")
    return text


def sent_text() -> None:
    """A box for a file; what was sent just now becomes the prompt."""
    with st.expander("A text file as the prompt"), refusals_in_place("This file cannot be the prompt"):
        if (text := text_just_sent("Text file", FILE)) is not None:
            write_prompt(text)


def text_just_sent(label: str, key: str) -> str | None:
    """Draw a box for a text file; what it says, once for each file. Raises ValueError for one that is no text."""
    file, seen = st.file_uploader(label, key=key, label_visibility="collapsed"), f"{key}_sent"
    if file is None or st.session_state.get(seen) == file.file_id:
        return None
    st.session_state[seen] = file.file_id
    return text_of_file(file.name, file.getbuffer())
