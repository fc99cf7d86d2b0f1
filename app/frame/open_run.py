"""Open run: the run of the chosen prompt, with a bar of the layers while it is made, and a way to stop it."""

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.app.serving.progress import progress
from headscope.app.serving.runs import cached_attention_run
from headscope.interp.heads.attention_run import AttentionRun

STOPPED = "stopped_run"
LONG = 256  # tokens of a prompt that is worth a button: shorter ones are there before it could be pressed


def open_run(opened: OpenPrompt) -> AttentionRun:
    """The run, made once for all sessions; ends the page where it was stopped."""
    name = opened.key.name
    if opened.service.has_run(opened.key.prompt, opened.key.bos):
        return cached_attention_run(opened.key)
    if st.session_state.get(STOPPED) == name:
        st.info(opened.in_words("The {prompt} was not run to its end: it was stopped."), icon=":material/stop_circle:")
        st.button("Run it", icon=":material/play_arrow:", on_click=st.session_state.pop, args=(STOPPED,))
        st.stop()
    place = st.empty()
    if len(opened.tokens) > LONG:
        place.button("Stop", icon=":material/stop_circle:", on_click=st.session_state.update, args=({STOPPED: name},))
    try:
        with progress() as watch:
            return cached_attention_run(opened.key, watch)
    finally:
        place.empty()
