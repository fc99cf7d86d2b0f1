"""Tour: what the pages are for, in a few steps; it opens by itself on the first start and from the sidebar later."""

import streamlit as st
from streamlit.components.v2 import component

from headscope.app.components.source import source_text

STEP = "tour_step"
STEPS = (
    (
        "Attention that may be negative",
        "Choose a **model** and a **prompt** on the left. The small pictures are all heads of the model: blue adds, "
        "red subtracts, grey is masked. A click opens a head; pointing at a token shows what it attends to.",
    ),
    (
        "Which head is interesting?",
        "**Heads** shows any number of every head as a grid and a table, beside its null: what the number would be if "
        "there were nothing to find. The head that you open goes along to the other pages.",
    ),
    (
        "What does it do?",
        "**Deletion & copying** says whether a head raises or lowers the tokens that it reads, and whether its weights "
        "or its OV circuit decide. Below the heatmap of the **Attention** page you can change weights and see what the "
        "model would have said.",
    ),
    (
        "Does the model collapse?",
        "**Collapse** follows two nearly equal prompts through the layers; **Geometry** shows where queries and keys "
        "lie; **Compare & trajectories** sets two models side by side, or one through its training.",
    ),
    (
        "Nothing is lost",
        "The address bar holds the view: copy it to share. Every figure has its numbers, its meaning and the Python "
        "that makes it beside it, and can be saved as PNG, SVG, CSV or a page of its own.",
    ),
)

_first_visit = component("headscope_first_visit", js=source_text("first_visit.js"))


def offer_tour(*, is_fresh: bool) -> None:
    """A button for the tour; without a link in the address the first start in a browser opens it. Call once per run."""
    is_asked = st.button("Take the tour", icon=":material/explore:", type="tertiary", key="tour")
    is_first = is_fresh and _first_visit(key="first_visit", on_first_change=lambda: None).get("first")
    if is_asked or is_first:
        st.session_state[STEP] = 0
        _tour()


@st.dialog("A short tour")
def _tour() -> None:
    step = st.session_state[STEP]
    title, words = STEPS[step]
    st.subheader(title, anchor=False)
    st.markdown(words)
    st.caption(f"{step + 1} of {len(STEPS)}")
    back, on = st.columns(2)
    back.button("Back", on_click=_go, args=(-1,), disabled=step == 0, width="stretch")
    if step + 1 < len(STEPS):
        on.button("Next", type="primary", on_click=_go, args=(1,), width="stretch")
    elif on.button("Done", type="primary", width="stretch"):
        st.rerun()


def _go(steps: int) -> None:
    st.session_state[STEP] = max(0, min(st.session_state[STEP] + steps, len(STEPS) - 1))
