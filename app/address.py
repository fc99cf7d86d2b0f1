"""The address bar: which head is open, so that a link reopens the view. What comes from a link is read and clamped."""

from dataclasses import dataclass

import streamlit as st

from interp.model_facts import ModelFacts


@dataclass(frozen=True)
class OpenHead:
    """A layer and a head of it."""

    layer: int
    head: int


def open_head(facts: ModelFacts) -> OpenHead:
    """The head that the address names, or the nearest one that exists; else the first of the variant's middle layer."""
    chosen = [layer for layer, variant in enumerate(facts.layer_variants) if variant == facts.variant]
    middle = chosen[len(chosen) // 2]
    return OpenHead(clamped("layer", len(facts.layer_variants), middle), clamped("head", facts.heads, 0))


def clamped(name: str, count: int, otherwise: int) -> int:
    """A whole number below `count` from the address; `otherwise` where there is none."""
    digits = st.query_params.get(name, "").strip()
    if len(digits) > 9 or not (digits.isascii() and digits.isdigit()):
        return otherwise
    return min(int(digits), count - 1)


def write_open_head(head: OpenHead) -> None:
    """Put a head into the address, as one step of the browser's history."""
    st.query_params.update({"layer": str(head.layer), "head": str(head.head)})
