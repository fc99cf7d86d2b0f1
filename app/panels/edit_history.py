"""Edit history: the list of edits that stands in the address, and the lists before and after it."""

import json
from collections.abc import Sequence

import streamlit as st

from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.interp.interventions.intervention import Intervention
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.plain_values import parsed

EDITS, PAST, FUTURE = "edits", "edits_before", "edits_undone"
MOST_EDITS = 50
NONE = "[]"


def edits_of() -> tuple[Intervention, ...]:
    """The edits that the address names. ValueError in one sentence for what is no list of edits."""
    return read_edits(list_text())


def read_edits(text: str) -> tuple[Intervention, ...]:
    """Edits from their JSON form."""
    with foreign_input("the list of edits is no JSON; save one here to see its form", quotes=False):
        stored = parsed(text)
    if not isinstance(stored, list):
        raise ValueError(f"a list of edits was expected, this is a {type(stored).__name__}; save one to see its form")
    if len(stored) > MOST_EDITS:
        raise ValueError(f"the list has {len(stored)} edits; at most {MOST_EDITS} are made")
    return tuple(Intervention.from_json(edit) for edit in stored)


def readable_edits() -> tuple[Intervention, ...]:
    """The same; none where they cannot be read."""
    try:
        return edits_of()
    except ValueError:
        return ()


def list_text() -> str:
    """The list as the address has it."""
    return lasting_address_value(EDITS) or NONE


def edits_in_json(edits: Sequence[Intervention], indent: int | None = None) -> str:
    """Edits as they are stored."""
    separators = (",", ":") if indent is None else None
    return json.dumps([edit.to_json() for edit in edits], separators=separators, indent=indent)


def change(edits: str) -> None:
    """Put another list into the address; it can be undone."""
    st.session_state[PAST] = (*st.session_state.get(PAST, ()), list_text())
    st.session_state[FUTURE] = ()
    write_lasting(**{EDITS: edits})


def undo() -> None:
    """Go back to the list before; a list that came by a link loses its last edit. Nothing where there is none."""
    past, now = st.session_state.get(PAST, ()), list_text()
    if not past and (edits := readable_edits()):
        past = (edits_in_json(edits[:-1]),)
    if past:
        st.session_state[PAST] = past[:-1]
        st.session_state[FUTURE] = (now, *st.session_state.get(FUTURE, ()))
        write_lasting(**{EDITS: past[-1]})


def redo() -> None:
    """Make the list again that was undone. Nothing where none was."""
    if future := st.session_state.get(FUTURE, ()):
        st.session_state[PAST] = (*st.session_state.get(PAST, ()), list_text())
        st.session_state[FUTURE] = future[1:]
        write_lasting(**{EDITS: future[0]})
