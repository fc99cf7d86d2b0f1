"""The address bar: which head is open, so that a link reopens the view. What comes from a link is read and clamped.

The open head goes along from page to page, whose links do not name it.
"""

from dataclasses import dataclass

import streamlit as st

from interp.model_facts import ModelFacts

HEAD = "open_head"


@dataclass(frozen=True)
class OpenHead:
    """A layer and a head of it."""

    layer: int
    head: int


def open_head(facts: ModelFacts) -> OpenHead:
    """The head that the address names, or the nearest one that exists; else the first of the variant's middle layer."""
    if "layer" not in st.query_params and HEAD in st.session_state:
        write_open_head(st.session_state[HEAD])
    chosen = [layer for layer, variant in enumerate(facts.layer_variants) if variant == facts.variant]
    middle = chosen[len(chosen) // 2]
    head = OpenHead(clamped("layer", len(facts.layer_variants), middle), clamped("head", facts.heads, 0))
    if "layer" in st.query_params:
        st.session_state[HEAD] = head
    return head


def clamped(name: str, count: int, otherwise: int) -> int:
    """A whole number below `count` from the address; `otherwise` where there is none."""
    digits = st.query_params.get(name, "").strip()
    if len(digits) > 9 or not (digits.isascii() and digits.isdigit()):
        return otherwise
    return min(int(digits), count - 1)


def write_open_head(head: OpenHead) -> None:
    """Put a head into the address, as one step of the browser's history."""
    st.session_state[HEAD] = head
    st.query_params.update({"layer": str(head.layer), "head": str(head.head)})
