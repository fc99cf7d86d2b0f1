"""The Collapse page: whether a model still tells prompts and tokens apart after its layers."""

import streamlit as st

from headscope.app.figure.code import analysis_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.left_out import left_out
from headscope.app.frame.page import analysed, page
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.panels.collapse import curve_panel
from headscope.app.serving.refusals import refusals_in_place

PANELS = {
    "residual_geometry": "How alike the {tokens}' residuals are",
    "compression": "How evenly they fill their directions",
    "path_cancellation": "How much of each {token}'s paths cancels",
    "path_bound": "How much each {token} can reach the {last_one}",
    "sinks": "Which heads rest on one {token}",
    "sink_tokens": "Which {tokens} draw attention, and what they give",
    "sink_direction": "What marks the {tokens} that others rest on",
    "dispersion_curves": "How sharp heads stay among more {tokens}",
    "head_dimension": "How many directions each head writes",
    "residual_norms": "How long the residuals are",
    "massive_activations": "Entries that dwarf all others",
}

opened = page(
    "Collapse",
    "Two {prompt}s that differ by little, and the {tokens} of one {prompt}: how far apart are they after every layer?",
)
has_curve = not left_out(opened, "collapse_prompt", "How far apart two prompts are after every layer")
if has_curve:
    with refusals_in_place("These prompts cannot be compared"):
        curve_panel(opened)
more = st.expander(
    "Tokens, paths and heads: more figures", not has_curve, key="more", on_change="rerun", bind="query-params"
)
if not more.open:
    st.stop()
with more:
    columns = st.columns(2, gap="medium")
    with refusals_in_place(opened.in_words("This {prompt}'s residuals cannot be analysed")):
        findings = analysed(opened, tuple(PANELS))
        for place, (name, title) in enumerate(PANELS.items()):
            with columns[place % 2]:
                figure_panel(opened.in_words(title), findings[name], analysis_code(opened, name), key=name)
    with refusals_in_place("The spread of a change cannot be computed"):
        title = opened.in_words("How far one {token}'s change reaches")
        is_said = left_out(opened, "perturbation", title)
        if not is_said and (spread := analysis_when_asked(opened, "perturbation", title)):
            figure_panel(title, spread, analysis_code(opened, "perturbation"), key="perturbation")
    with refusals_in_place("Over-squashing cannot be computed"):
        title = opened.in_words("How much the {last_output} depends on each {token}")
        if squashing := analysis_when_asked(opened, "squashing", title):
            figure_panel(title, squashing, analysis_code(opened, "squashing"), key="squashing")
