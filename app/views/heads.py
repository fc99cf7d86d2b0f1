"""The Heads page: any number of every head, as a grid, a table and a plane; a click opens a head."""

import streamlit as st

from app.address import OpenHead, open_head, write_open_head
from app.components.fact_strip import fact_strip
from app.figure_panel import figure_panel
from app.head_chooser import links_elsewhere, open_from_points
from app.head_table import HEAD_ANALYSES, head_table, number_of
from app.page import analysed, page
from app.python_code import analysis_code

opened = page("Heads", "All heads at once: any number as a grid and a table. Choose a head to take it along.")
facts = opened.facts
fact_strip(facts, len(opened.tokens.ids))
found = analysed(opened, HEAD_ANALYSES)
head = open_head(facts)
links_elsewhere(head)

chosen = number_of(found)
left, right = st.columns([1, 1], gap="medium")
with left:
    figure_panel(
        chosen.title,
        chosen.score,
        analysis_code(opened, chosen.analysis, figure=chosen.code),
        key="number",
        figure=chosen.figure(head.layer, head.head),
        on_select=open_from_points(facts),
    )
with right:
    figure_panel(
        "Who decides: weights or OV circuit",
        found["decision_plane"],
        analysis_code(opened, "decision_plane"),
        key="plane",
        on_select=open_from_points(facts),
    )
with st.container(border=True):
    st.subheader("Table of heads", anchor=False)
    st.caption("Sort by a column; choose a row to open its head. Nulls are in the columns that end in null.")
    picked = head_table(found)
    if picked is not None and picked != (head.layer, head.head):
        write_open_head(OpenHead(*picked))
        st.rerun()
