"""New edit: the boxes of one edit, and the edit that they say when the button is pressed, not when it was drawn."""

from dataclasses import dataclass

import streamlit as st

from headscope.app.components.answers import answer_all
from headscope.app.drawings.edit_kinds import FIRST_VALUES
from headscope.app.frame.controls import sidebar
from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.row_view import open_row
from headscope.app.serving.address import open_head
from headscope.interp.interventions.intervention import KINDS, LARGEST_VALUE, VALUED, Intervention
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt

KIND, SCOPE, KEY = "edit_kind", "edit_scope", "edit_key"
SCOPES = {"cell": "one weight", "row": "a row", "head": "the head", "layer": "the layer"}


@dataclass(frozen=True)
class Ground:
    """What the boxes were drawn for: what the sidebar said, the model's facts and the prompt's tokens."""

    sidebar: tuple[object, ...]
    facts: ModelFacts
    tokens: Prompt


def ground_of(opened: OpenPrompt) -> Ground:
    """The ground of a page."""
    return Ground(sidebar(), opened.facts, opened.tokens)


def edit_boxes(opened: OpenPrompt, row: int) -> None:
    """Draw the boxes of one new edit."""
    tokens = opened.tokens.strings
    kind = st.selectbox("What to do", list(KINDS), key=KIND, bind="query-params", format_func=spelled, width=190)
    scope = st.segmented_control(
        "to",
        list(SCOPES),
        default="head",
        required=True,
        key=SCOPE,
        bind="query-params",
        format_func=lambda scope: SCOPES[scope],
    )
    if scope == "cell":
        keys = range(row + 1 if opened.tokens.is_ordered else len(tokens))
        st.selectbox("Key", keys, key=KEY, format_func=lambda at: f"{at} {tokens[at]!r}", width=170)
    if kind in VALUED:
        low, high = -LARGEST_VALUE, LARGEST_VALUE
        st.number_input("Value", low, high, FIRST_VALUES[kind], key=value_key(kind), width=130)


def chosen_edit(ground: Ground) -> Intervention:
    """The edit that boxes, grid and heatmap say now. Raises ValueError where they say none for this ground."""
    answer_all()
    if sidebar() != ground.sidebar:
        raise ValueError("the model or the prompt was changed, and the page had yet to follow: choose the change again")
    state = st.session_state
    kind, scope = state.get(KIND) or next(iter(KINDS)), state.get(SCOPE) or "head"
    value = state.get(value_key(kind), FIRST_VALUES[kind]) if kind in VALUED else None
    return Intervention(kind, value=value, **edit_place(scope, ground))


def edit_place(scope: str, ground: Ground) -> dict[str, int]:
    """Where the edit is made: the open head's layer, the head, the chosen row and the key, as far as the scope goes."""
    head, row = open_head(ground.facts), open_row(ground.tokens)
    key = st.session_state.get(KEY) or 0
    if scope == "cell" and key > row and ground.tokens.is_ordered:
        raise ValueError(f"key {key} stands after row {row}, which does not see it: choose another key or row")
    places = {"layer": head.layer, "head": head.head, "query": row, "key": key}
    depth = {"layer": 1, "head": 2, "row": 3, "cell": 4}[scope]
    return dict(list(places.items())[:depth])


def value_key(kind: str) -> str:
    """The box of a kind's value."""
    return f"edit_value_{kind}"


def spelled(kind: str) -> str:
    """A kind of intervention without underscores."""
    return kind.replace("_", " ")
