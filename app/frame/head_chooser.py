"""Head chooser: which head a page is about; it goes along from page to page."""

import streamlit as st

from headscope.app.frame.selected_points import OnSelect, Selection
from headscope.app.serving.address import OpenHead, open_head, write_open_head
from headscope.interp.reading.model_facts import ModelFacts

ONE_HEAD = {"attention": "Attention", "deletion": "Deletion & copying", "geometry": "Geometry", "compare": "Compare"}


def head_chooser(facts: ModelFacts) -> OpenHead:
    """Two boxes, layer and head, that say and change the open head."""
    head = open_head(facts)
    heads = facts.heads
    st.session_state["chosen_layer"], st.session_state["chosen_head"] = head.layer, head.head

    def write() -> None:
        write_open_head(OpenHead(st.session_state["chosen_layer"], st.session_state["chosen_head"]))

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox(
            "Layer",
            facts.head_layers,
            key="chosen_layer",
            on_change=write,
            format_func=lambda layer: f"{layer} ({facts.layer_mechanisms[layer]})",
            width=180,
        )
        st.selectbox("Head", range(heads), key="chosen_head", on_change=write, width=110)
    return head


def links_elsewhere(head: OpenHead) -> None:
    """The open head on the pages that are about one head."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.markdown(f"**L{head.layer}H{head.head}** on")
        for page, title in ONE_HEAD.items():
            st.page_link(f"views/{page}.py", label=title)


def open_from_points(facts: ModelFacts, curves: int | None = None) -> OnSelect:
    """A function of plotly's selection that opens the head of the chosen point; points run head by head.

    curves: how many of the figure's traces have a point per head, where the later ones are of layers, say.
    """

    def opened(selection: Selection) -> None:
        points = [item for item in selection.get("points", []) if curves is None or item["curve_number"] < curves]
        head = OpenHead(*divmod(int(points[0]["point_index"]), facts.heads)) if points else None
        if head is not None and head.layer in facts.head_layers:
            write_open_head(head)

    return opened
