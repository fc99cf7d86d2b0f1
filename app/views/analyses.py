"""The All analyses page: any analysis of the open model and prompt, with what only some of them ask for."""

import streamlit as st

from headscope.app.figure.code import analysis_code
from headscope.app.figure.constant import no_sign
from headscope.app.figure.head_table import number_name_in_words
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.analysis_choices import choices_for
from headscope.app.frame.left_out import left_out
from headscope.app.frame.page import page
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.asking.table import ANALYSES

sentence = "Everything that can be asked of a model and {a_prompt}, one question at a time."
opened = page("All analyses", sentence, offers_mixers=True)
names = list(ANALYSES)
name = (
    st.selectbox("Analysis", names, key="analysis", bind="query-params", format_func=number_name_in_words) or names[0]
)
st.caption(f"{ANALYSES[name].question(opened.words)}.")
if left_out(opened, name, number_name_in_words(name).capitalize()):
    st.stop()
choices = choices_for(opened, name)
with refusals_in_place("This cannot be computed"):
    title = number_name_in_words(name).capitalize()
    if result := analysis_when_asked(opened, name, title, choices):
        row = ANALYSES[name]
        why = no_sign(opened.facts.layer_variants) if row.first in row.of_signs else ""
        figure_panel(title, result, analysis_code(opened, name, choices), key="any", if_constant=why)
