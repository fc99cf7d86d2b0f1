"""Intervention list: the edits as they stand in the address bar; made, undone, saved and loaded."""

import json
from typing import Any

import streamlit as st

from app.address import OpenHead
from app.page import Opened
from interp.interventions.intervention import KINDS, VALUED, Intervention

EDITS, UNDONE = "edits", "undone_edits"
SCOPES = ("cell", "row", "head", "layer")
MOST_EDITS = 50


def edits_of() -> tuple[Intervention, ...]:
    """The edits that the address names. ValueError in one sentence for what is no list of edits."""
    return read_edits(st.query_params.get(EDITS, "[]"))


def read_edits(text: str) -> tuple[Intervention, ...]:
    """Edits from their JSON form."""
    try:
        stored = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as broken:
        raise ValueError("the list of edits is no JSON; save one here to see its form") from broken
    if not isinstance(stored, list) or len(stored) > MOST_EDITS:
        raise ValueError(f"the edits are a list of at most {MOST_EDITS}; save one here to see its form")
    return tuple(Intervention.from_json(one) for one in stored)


def write_edits(edits: tuple[Intervention, ...]) -> None:
    """Put edits into the address, as one step of the browser's history."""
    st.query_params[EDITS] = json.dumps([one.to_json() for one in edits], separators=(",", ":"))


def editor(opened: Opened, head: OpenHead, row: int) -> None:
    """Draw the choice of an edit of the open head, and the list of those that were made."""
    choose(opened, head, row)
    edits = edits_of()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.button("Undo", icon=":material/undo:", on_click=undo, disabled=not edits)
        st.button("Redo", icon=":material/redo:", on_click=redo, disabled=not st.session_state.get(UNDONE))
        st.button("Clear", icon=":material/delete:", on_click=write_edits, args=((),), disabled=not edits)
        saved = json.dumps([one.to_json() for one in edits], indent=1)
        st.download_button("Save list", saved, "interventions.json", "application/json", on_click="ignore")
    with st.expander("Load a list"):
        file = st.file_uploader("A list that was saved here", type="json", key="edits_file")
        if file is not None and st.button("Use it"):
            write_edits(read_edits(file.getvalue().decode("utf-8", errors="replace")))
            st.rerun()
    if edits:
        st.dataframe([one.to_json() for one in edits], hide_index=True, width="content")


def choose(opened: Opened, head: OpenHead, row: int) -> None:
    """The boxes of one new edit of the open head and the chosen row."""
    tokens = opened.tokens.strings
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.selectbox("Change", list(KINDS), key="edit_kind", format_func=in_words, width=190)
        scope = st.segmented_control("Of", SCOPES, default="head", required=True, key="edit_scope") or "head"
        given: dict[str, Any] = {"kind": kind, "layer": head.layer}
        if scope != "layer":
            given["head"] = head.head
        if scope in ("row", "cell"):
            given["query"] = row
        if scope == "cell":
            given["key"] = st.selectbox(
                "Key", range(row + 1), key="edit_key", format_func=lambda at: f"{at} {tokens[at]!r}", width=170
            )
        if kind in VALUED:
            given["value"] = st.number_input("Value", value=0.0 if kind == "set" else 2.0, key="edit_value", width=130)
        st.button("Make it", type="primary", on_click=make, args=(given,))
    where = {"cell": f"one weight of row {row}", "row": f"row {row}", "head": "all rows", "layer": "all heads"}[scope]
    st.caption(f"L{head.layer}H{head.head}, {where}; the row is the one chosen in the heatmap above.")


def in_words(kind: str) -> str:
    """A kind of intervention without underscores."""
    return kind.replace("_", " ")


def make(given: dict[str, Any]) -> None:
    """Add an edit."""
    st.session_state[UNDONE] = ()
    write_edits((*edits_of(), Intervention(**given)))


def undo() -> None:
    """Take the last edit back."""
    *kept, last = edits_of()
    st.session_state[UNDONE] = (last, *st.session_state.get(UNDONE, ()))
    write_edits(tuple(kept))


def redo() -> None:
    """Make the edit again that was taken back."""
    first, *rest = st.session_state[UNDONE]
    st.session_state[UNDONE] = tuple(rest)
    write_edits((*edits_of(), first))
