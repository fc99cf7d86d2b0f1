"""The panel of continuations: a button that lets the model go on with the prompt, with edits and without."""

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.when_asked import seconds_of_pass
from headscope.app.panels.continuing.sides import show_sides
from headscope.app.panels.continuing.written import HALVES, Text, Writing, written
from headscope.app.panels.edited_run import NO_EDITS, edits_made
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.asking.costs import duration_in_words
from headscope.interp.interventions.continuation import uncontinued
from headscope.interp.reading.size import FEWEST

MOST, USUAL, QUICK = 64, 8, 10
ASKED = "continuation_asked"


def continuation_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """The choice of how far, the button, and what was written with the edits and without; of texts alone."""
    if not opened.facts.modality.reads_ids:
        return
    with st.container(border=True, key="continuing"):
        if not st.toggle("Let the model continue the prompt", key="continue_open", bind="query-params"):
            return
        if why := uncontinued(opened.facts):
            st.info(f"This model continues no text: it {why}.")
            return
        with refusals_in_place("This prompt cannot be continued"):
            if texts := texts_of(chosen_writings(opened)):
                show_sides(head, texts)


def chosen_writings(opened: OpenPrompt) -> list[Writing]:
    """What the boxes say is to be written: without edits, and with those that are made."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        tokens = st.number_input("New tokens", 1, MOST, USUAL, key="new_tokens", bind="query-params", width=130)
        result = [Writing(opened, edits, int(tokens)) for edits in dict.fromkeys((NO_EDITS, edits_made(opened)))]
        st.button(
            "Continue",
            icon=":material/play_arrow:",
            type="primary",
            key="continue",
            help="The likeliest token each time; nothing is drawn at random.",
            on_click=ask,
            args=(names_of(result),),
        )
    if int(tokens) > QUICK and not all(writing.is_kept for writing in result):
        texts = " for each of the two texts" if len(result) > 1 else ""
        seconds = len(result) * seconds_of_writing(opened, int(tokens))
        st.caption(f"About {tokens} passes{texts}: {duration_in_words(seconds)}. It can be stopped.")
    return result


def seconds_of_writing(opened: OpenPrompt, tokens: int) -> float:
    """About how long: two passes read the prompt, the others read one token beside its keys and values."""
    return seconds_of_pass(opened) * (2 + tokens * min(1.0, FEWEST / len(opened.tokens)))


def names_of(writings: list[Writing]) -> list[object]:
    """What tells them from all others."""
    return [writing.name for writing in writings]


def ask(names: list[object]) -> None:
    """Let them be written; what was stopped before is forgotten."""
    st.session_state.update({ASKED: names, HALVES: {}})


def texts_of(wanted: list[Writing]) -> list[Text]:
    """Those that are kept, or are asked for just now; where they were stopped, as far as they came."""
    if st.session_state.pop(ASKED, None) == names_of(wanted):  # a stop, or any other click, ends it
        place = st.empty()
        place.button("Stop", icon=":material/stop_circle:", key="stop_continuing")
        try:
            return [Text(writing, written(writing)) for writing in wanted]
        finally:
            place.empty()
    if all(writing.is_kept for writing in wanted):
        return [Text(writing, written(writing)) for writing in wanted]
    halves = [writing.half for writing in wanted]
    if not any(halves):
        return []
    result = [Text(writing, half) for writing, half in zip(wanted, halves, strict=True) if half is not None]
    counts = " and ".join(str(len(text.continuation.ids)) for text in result)
    st.caption(f"Stopped after {counts} of {wanted[0].tokens} new tokens.")
    return result
