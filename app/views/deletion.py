"""The Deletion & copying page: what a head does to the logits of the tokens that it reads."""

import streamlit as st

from headscope.app.frame.head_chooser import head_chooser
from headscope.app.frame.left_out import left_out
from headscope.app.frame.page import page
from headscope.app.panels.deletion import (
    answer_panel,
    mass_panel,
    row_panel,
    scatter_panel,
    top_tokens_panel,
    twin_panel,
)
from headscope.app.serving.refusals import refusals_in_place

opened = page(
    "Deletion & copying",
    "What each head adds to, or takes from, the logit of the {tokens} that it reads, by its weights or its OV circuit.",
)
facts = opened.facts
head = head_chooser(facts)
if left_out(opened, "deletion", "Deletion and copying"):
    with refusals_in_place("The heads of this model cannot be compared"):
        mass_panel(opened)
    st.stop()
with refusals_in_place("The heads of this model cannot be compared"):
    answer_panel(opened, head)
more = st.expander("More figures: one row, the twin, single tokens", key="more", on_change="rerun", bind="query-params")
if not more.open:
    st.stop()
with more:
    with refusals_in_place("This head's contributions cannot be computed"):
        row_panel(opened, head)
    left, right = st.columns(2, gap="medium")
    with left, refusals_in_place("This head's softmax twin cannot be computed"):
        twin_panel(opened, head)
    with right, refusals_in_place("These tokens cannot be ranked"):
        top_tokens_panel(opened, head)
    left, right = st.columns(2, gap="medium")
    with left, refusals_in_place("The heads of this model cannot be compared"):
        scatter_panel(opened, head)
    with right, refusals_in_place("The heads of this model cannot be compared"):
        mass_panel(opened)
