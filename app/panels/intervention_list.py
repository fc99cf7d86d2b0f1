"""Intervention list: the edits of a page, made, undone, saved and loaded, and the words of what was made."""

from collections.abc import Callable

import streamlit as st

from headscope.app.frame.page import OpenPrompt
from headscope.app.panels.edit_history import (
    FUTURE,
    MOST_EDITS,
    NONE,
    PAST,
    change,
    edits_in_json,
    edits_of,
    list_text,
    read_edits,
    readable_edits,
    redo,
    undo,
)
from headscope.app.panels.new_edit import SCOPE, Ground, chosen_edit, edit_boxes, ground_of
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import plain_markdown, refusals_in_place
from headscope.interp.interventions.in_words import edit_in_words
from headscope.interp.interventions.intervention import Intervention

SAID, FILE = "edits_said", "edits_file"


def edits_of_file() -> tuple[Intervention, ...] | None:
    """The list in the file that was sent; None where none was. ValueError in one sentence for what is no list."""
    file = st.session_state.get(FILE)
    return None if file is None else read_edits(file.getvalue().decode("utf-8", errors="replace"))


def editor(opened: OpenPrompt, head: OpenHead, row: int) -> tuple[Intervention, ...]:
    """Draw the choice of an edit of the open head and the list of those that were made; they are returned.

    A list that cannot be read is refused in its place, and can be undone and cleared.
    """
    edits: tuple[Intervention, ...] = ()
    with refusals_in_place("These edits cannot be made"):
        edits = edits_of()
    choose(opened, head, row, is_full=len(edits) >= MOST_EDITS)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        has_some, past = list_text() != NONE, st.session_state.get(PAST)
        st.button("Undo", icon=":material/undo:", on_click=undo, disabled=not (past or edits))
        st.button("Redo", icon=":material/redo:", on_click=redo, disabled=not st.session_state.get(FUTURE))
        st.button("Clear", icon=":material/delete:", on_click=change, args=(NONE,), disabled=not has_some)
        st.download_button(
            "Save list", edits_in_json(edits, 1), "interventions.json", "application/json", on_click="ignore"
        )
    words_of_last_change()
    with st.expander("Load a list"), refusals_in_place("This list cannot be used"):
        st.file_uploader("A list that was saved here", type="json", key=FILE)
        if (loaded := edits_of_file()) is not None:
            st.button(f"Use these {len(loaded)} edits", on_click=use_file)
    if edits:
        st.dataframe([table_row(edit) for edit in edits], hide_index=True, width="content")
    return edits


def choose(opened: OpenPrompt, head: OpenHead, row: int, *, is_full: bool) -> None:
    """The boxes of one new edit of the open head and the chosen row."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        edit_boxes(opened, row)
        st.button("Make this change", type="primary", on_click=make_edit, args=(ground_of(opened),), disabled=is_full)
    scope, token = st.session_state.get(SCOPE), opened.tokens.strings[row]
    where = f"L{head.layer}H{head.head}" if scope != "layer" else f"all heads of layer {head.layer}"
    rows = f"row {row}, {token!r}: the one chosen in the heatmap" if scope in ("cell", "row") else "every row"
    st.text(f"The change is made to {where}, in {rows}.")
    if is_full:
        st.caption(f"The list holds {MOST_EDITS} changes, which is as many as there can be: undo some first.")


def words_of_last_change() -> None:
    """Say what the last button did, as long as nothing else changed the list."""
    edits, result, refusal = st.session_state.get(SAID, ("", "", ""))
    if edits != list_text():
        return
    if result:
        st.text(result)
    if refusal:
        st.warning(plain_markdown(refusal))


def table_row(edit: Intervention) -> dict[str, str]:
    """An edit in words and by its places; a place that is not named stands for all."""
    places = {name: getattr(edit, name) for name in ("layer", "head", "query", "key")}
    shown = {name: "all" if index is None else str(index) for name, index in places.items()}
    return {"change": edit_in_words(edit), **shown, "value": "" if edit.value is None else f"{edit.value:g}"}


def make_edit(ground: Ground) -> None:
    """Add the chosen edit."""
    add_edit(lambda: chosen_edit(ground))


def add_edit(chosen: Callable[[], Intervention]) -> None:
    """Add an edit that is read now; after a list that cannot be read, a new one begins."""
    before = readable_edits()
    try:
        if len(before) >= MOST_EDITS:
            raise ValueError(f"the list holds {MOST_EDITS} changes already: undo some first")
        edit = chosen()
    except ValueError as refusal:
        say(refusal=f"Nothing was changed: {refusal}.")
        return
    change(edits_in_json((*before, edit)))
    say(f"Made: {edit_in_words(edit)}.")


def use_file() -> None:
    """Put the list of the file that is in the box now into the address."""
    try:
        edits = edits_of_file()
    except ValueError as refusal:
        say(refusal=f"Nothing was changed: {refusal}.")
        return
    if edits is not None:
        change(edits_in_json(edits))
        say(f"Made: the {len(edits)} edits of the file.")


def say(result: str = "", refusal: str = "") -> None:
    """Remember what is said of the list as it is now."""
    st.session_state[SAID] = (list_text(), result, refusal)
