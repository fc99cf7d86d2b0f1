"""The Experiments page: what the papers claim, what was measured here, and every figure of it."""

import streamlit as st

from headscope.app.frame.title_line import title_line, without_sidebar
from headscope.app.panels.experiments import chosen_results, claims_table, forest_panel, result_panels
from headscope.app.serving.refusals import refusals_in_a_box

without_sidebar()
title_line(
    "Experiments",
    "What is claimed of these variants, measured: most of it on models of a laptop's size. Rules, seeds and sizes were "
    "fixed before looking.",
)
with refusals_in_a_box("These results cannot be read"):
    outcomes = chosen_results()
    claims_table(outcomes)
st.subheader("What was measured", anchor=False)
result_panels(outcomes)
st.subheader("All claims beside one another", anchor=False)
forest_panel()
