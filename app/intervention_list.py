"""Intervention list: the edits as they stand in the address bar; made, undone, saved and loaded."""

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.address import OpenHead, lasting, write_lasting
from app.page import Opened
from app.refusals import refusals_in_place
from interp.interventions.intervention import KINDS, VALUED, Intervention
from models.foreign_input import foreign_input

EDITS, PAST, FUTURE = "edits", "edits_before", "edits_undone"
SCOPES = {"cell": "one weight", "row": "a row", "head": "the head", "layer": "the layer"}
MOST_EDITS = 50
NONE = "[]"


def edits_of() -> tuple[Intervention, ...]:
    """The edits that the address names. ValueError in one sentence for what is no list of edits."""
    return read_edits(lasting(EDITS) or NONE)


def read_edits(text: str) -> tuple[Intervention, ...]:
    """Edits from their JSON form."""
    with foreign_input("the list of edits is no JSON; save one here to see its form", quotes=False):
        stored = json.loads(text)
    if not isinstance(stored, list):
        raise ValueError(f"a list of edits was expected, this is a {type(stored).__name__}; save one to see its form")
    if len(stored) > MOST_EDITS:
        raise ValueError(f"the list has {len(stored)} edits; at most {MOST_EDITS} are made")
    return tuple(Intervention.from_json(one) for one in stored)


def editor(opened: Opened, head: OpenHead, row: int) -> tuple[Intervention, ...]:
    """Draw the choice of an edit of the open head and the list of those that were made; they are returned.

    A list that cannot be read is refused in its place, and can be undone and cleared.
    """
    edits: tuple[Intervention, ...] = ()
    with refusals_in_place("These edits cannot be made"):
        edits = edits_of()
    choose(opened, head, row, is_full=len(edits) >= MOST_EDITS)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        has_some, past = lasting(EDITS) not in ("", NONE), st.session_state.get(PAST)
        st.button("Undo", icon=":material/undo:", on_click=undo, disabled=not (past or edits))
        st.button("Redo", icon=":material/redo:", on_click=redo, disabled=not st.session_state.get(FUTURE))
        st.button("Clear", icon=":material/delete:", on_click=change, args=(NONE,), disabled=not has_some)
        st.download_button("Save list", in_json(edits, 1), "interventions.json", "application/json", on_click="ignore")
    with st.expander("Load a list"), refusals_in_place("This list cannot be used"):
        file = st.file_uploader("A list that was saved here", type="json", key="edits_file")
        loaded = None if file is None else read_edits(file.getvalue().decode("utf-8", errors="replace"))
        if loaded is not None:
            st.button(f"Use these {len(loaded)} edits", on_click=change, args=(in_json(loaded),))
    if edits:
        st.dataframe([one.to_json() for one in edits], hide_index=True, width="content")
    return edits


def choose(opened: Opened, head: OpenHead, row: int, *, is_full: bool) -> None:
    """The boxes of one new edit of the open head and the chosen row."""
    tokens = opened.tokens.strings
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox(
            "What to do", list(KINDS), key="edit_kind", bind="query-params", format_func=in_words, width=190
        )
        scope = scope_box()
        given: dict[str, Any] = {"kind": kind, "layer": head.layer}
        if scope != "layer":
            given["head"] = head.head
        if scope in ("row", "cell"):
            given["query"] = row
        if scope == "cell":
            keys = range(row + 1 if opened.facts.reads == "text" else len(tokens))
            given["key"] = st.selectbox(
                "Key", keys, key="edit_key", format_func=lambda at: f"{at} {tokens[at]!r}", width=170
            )
        if kind in VALUED:
            given["value"] = st.number_input("Value", value=0.0 if kind == "set" else 2.0, key="edit_value", width=130)
        st.button("Make this change", type="primary", on_click=make, args=(given,), disabled=is_full)
    where = f"L{head.layer}H{head.head}" if scope != "layer" else f"all heads of layer {head.layer}"
    rows = f"row {row}, {tokens[row]!r}: the one chosen in the heatmap" if scope in ("cell", "row") else "every row"
    st.text(f"The change is made to {where}, in {rows}.")
    if is_full:
        st.caption(f"The list holds {MOST_EDITS} changes, which is as many as there can be: undo some first.")


def scope_box() -> str:
    """To how much an edit is made."""
    found = st.segmented_control(
        "to",
        list(SCOPES),
        default="head",
        required=True,
        key="edit_scope",
        bind="query-params",
        format_func=lambda scope: SCOPES[scope],
    )
    return found or "head"


def in_words(kind: str) -> str:
    """A kind of intervention without underscores."""
    return kind.replace("_", " ")


def in_json(edits: Sequence[Intervention], indent: int | None = None) -> str:
    """Edits as they are stored."""
    separators = (",", ":") if indent is None else None
    return json.dumps([one.to_json() for one in edits], separators=separators, indent=indent)


def make(given: dict[str, Any]) -> None:
    """Add an edit; after a list that cannot be read, a new one begins."""
    try:
        before = edits_of()
    except ValueError:
        before = ()
    change(in_json((*before, Intervention(**given))))


def change(edits: str) -> None:
    """Put another list into the address; it can be undone."""
    st.session_state[PAST] = (*st.session_state.get(PAST, ()), lasting(EDITS) or NONE)
    st.session_state[FUTURE] = ()
    write_lasting(**{EDITS: edits})


def undo() -> None:
    """Go back to the list before; a list that came by a link loses its last edit."""
    *past, last = st.session_state.get(PAST) or (in_json(edits_of()[:-1]),)
    st.session_state[PAST] = tuple(past)
    st.session_state[FUTURE] = (lasting(EDITS) or NONE, *st.session_state.get(FUTURE, ()))
    write_lasting(**{EDITS: last})


def redo() -> None:
    """Make the list again that was undone."""
    first, *rest = st.session_state[FUTURE]
    st.session_state[PAST] = (*st.session_state.get(PAST, ()), lasting(EDITS) or NONE)
    st.session_state[FUTURE] = tuple(rest)
    write_lasting(**{EDITS: first})
