"""The address bar: what of a view a link reopens. What comes from a link is read and clamped.

A link from page to page names nothing but the page; what is written here goes along and is put back.
"""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from headscope.app.drawings.open_head import OpenHead
from headscope.interp.reading.model_facts import ModelFacts

KEPT, BOXES, PAGE = "kept_in_address", "kept_boxes", "page_of_boxes"


def lasting_address_value(name: str) -> str:
    """What the address says under a name, or said before the page was changed; nothing where it never did.

    A click brings along the address as the browser had it, perhaps one that does not know yet what was written last:
    after the link that began the session only the back and forward buttons are believed.
    """
    kept: dict[str, str] = st.session_state.setdefault(KEPT, {})
    if name in st.query_params and (name not in kept or by_history()):
        kept[name] = st.query_params[name]
    elif name in kept and st.query_params.get(name) != kept[name]:
        st.query_params[name] = kept[name]
    return kept.get(name, "")


def by_history() -> bool:
    """Whether the browser's back or forward button asks for this run."""
    run = get_script_run_ctx()
    return run is not None and run.is_history_navigation


def write_lasting(**values: str) -> None:
    """Put values into the address, as one step of the browser's history."""
    st.session_state.setdefault(KEPT, {}).update(values)
    st.query_params.update(values)


def forget_lasting(name: str) -> None:
    """Take a value out of the address."""
    st.session_state.setdefault(KEPT, {}).pop(name, None)
    st.query_params.pop(name, None)


def open_head(facts: ModelFacts) -> OpenHead:
    """The head that the address names, or the nearest one that exists; else the first of the variant's middle layer."""
    layer = index_from_address("layer", len(facts.layer_variants), facts.middle_layer)
    nearest = min(facts.head_layers, key=lambda item: abs(item - layer))
    if nearest != layer:
        write_lasting(layer=str(nearest))
    return OpenHead(nearest, index_from_address("head", facts.heads, 0))


def index_from_address(name: str, count: int, otherwise: int) -> int:
    """A whole number below `count` from the address, which then says so; `otherwise` where there is none."""
    text = lasting_address_value(name)
    digits = text.strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
    number = min(int(digits), count - 1) if is_number else otherwise
    if text and text != str(number):
        write_lasting(**{name: str(number)})
    return number


def write_open_head(head: OpenHead) -> None:
    """Put a head into the address."""
    write_lasting(layer=str(head.layer), head=str(head.head))


def restore_boxes(names: Sequence[str], linked: Mapping[str, list[str]]) -> None:
    """Write what was lost back into empty boxes when another page is shown. Call before they are drawn.

    Streamlit forgets a box that it had not finished drawing when its page was left. linked: what the link that began
    the session said, for a box that was never drawn whole.
    """
    run = get_script_run_ctx()
    page = run.page_script_hash if run else ""
    is_other = st.session_state.get(PAGE, page) != page
    st.session_state[PAGE] = page
    if not is_other or by_history():
        return
    known = {name: values[-1] for name, values in linked.items() if values} | st.session_state.get(BOXES, {})
    for name in names:
        if st.session_state.get(name) in (None, "") and name in known:
            st.session_state[name] = known[name]


def keep_boxes(names: Sequence[str]) -> None:
    """Remember what boxes say. Call once they are drawn."""
    st.session_state[BOXES] = {name: st.session_state[name] for name in names if name in st.session_state}
