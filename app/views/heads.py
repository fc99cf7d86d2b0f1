"""The Heads page: any number of every head, as a grid, a table and a plane; a click opens a head."""

import streamlit as st

from headscope.app.figure.code import analysis_code
from headscope.app.figure.constant import no_sign
from headscope.app.figure.head_table import head_table, number_name_in_words, number_of
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import head_chooser, links_elsewhere, open_from_points
from headscope.app.frame.left_out import left_out, readable_analyses
from headscope.app.frame.page import page
from headscope.app.frame.when_asked import analysed_when_asked
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.app.serving.refusals import refusals_in_a_box
from headscope.interp.asking.listed_rows import head_analyses
from headscope.interp.asking.table import ANALYSES

sentence = "All heads at once: any number as a grid and a table. Choose a head to take it along."
opened = page("Heads", sentence, offers_mixers=True)
facts = opened.facts
chooser, links = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
with chooser:
    head = head_chooser(facts)
with links:
    links_elsewhere(head)
slow = head_analyses(runs_heads=True)
is_costly = st.toggle(
    f"Also what each head is worth: {', '.join(map(number_name_in_words, slow))}",
    key="costly",
    bind="query-params",
    help="Runs the model several times for every head.",
)
with refusals_in_a_box("These numbers cannot be computed"):
    names = readable_analyses(opened, (*head_analyses(), *(slow if is_costly else ())))
    findings = analysed_when_asked(opened, names, number_name_in_words)

chosen = number_of(findings)
left, right = st.columns([1, 1], gap="medium")
with left:
    figure_panel(
        chosen.title,
        chosen.score,
        analysis_code(opened, chosen.analysis, figure=chosen.code),
        key="number",
        figure=chosen.figure(head.layer, head.head),
        on_select=open_from_points(facts),
        if_constant=no_sign(facts.layer_variants) if chosen.field in ANALYSES[chosen.analysis].of_signs else "",
    )
with right:
    if not left_out(opened, "decision_plane", "Who decides: weights or OV circuit"):
        figure_panel(
            "Who decides: weights or OV circuit",
            findings["decision_plane"],
            analysis_code(opened, "decision_plane"),
            key="plane",
            on_select=open_from_points(facts),
        )
with st.container(border=True):
    st.subheader("Table of heads", anchor=False)
    st.caption("Sort by a column, point at its title for what it is; choose a row to open its head.")
    head_table(findings, f"{chosen.analysis}.{chosen.column}", lambda *at: write_open_head(OpenHead(*at)))
