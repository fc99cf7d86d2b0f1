"""The Deletion & copying page: what a head does to the logits of the tokens that it reads."""

import streamlit as st

from app.components.fact_strip import fact_strip
from app.deletion_panels import deletion_of, destination_panel, top_tokens_panel
from app.figure_panel import figure_panel
from app.head_chooser import head_chooser, open_from_points
from app.page import analysed, page
from app.python_code import analysis_code
from interp.deletion.attention_contribution import AttentionContribution
from interp.figures.deletion import attention_contribution_figure

opened = page(
    "Deletion & copying",
    "What each head adds to, or takes from, the logit of the tokens that it reads, by its weights or its OV circuit.",
)
facts = opened.facts
fact_strip(facts, len(opened.tokens.ids))
head = head_chooser(facts)
found = analysed(opened, ("deletion", "negative_mass", "attention_contribution"))
destination_panel(opened, head, deletion_of(opened, head))
left, right = st.columns(2, gap="medium")
with left:
    top_tokens_panel(opened, head)
with right:
    scatter = found.of("attention_contribution", AttentionContribution)
    figure_panel(
        "Attention against contribution",
        scatter,
        analysis_code(
            opened,
            "attention_contribution",
            figure="from interp.figures.deletion import attention_contribution_figure\n\n"
            f"attention_contribution_figure(result, ({head.layer}, {head.head}))",
        ),
        key="scatter",
        figure=attention_contribution_figure(scatter, (head.layer, head.head)),
    )
left, right = st.columns(2, gap="medium")
with left:
    figure_panel(
        "Copying and deletion of all heads",
        found["deletion"],
        analysis_code(opened, "deletion"),
        key="quadrants",
        on_select=open_from_points(facts),
    )
with right:
    figure_panel("Negative mass", found["negative_mass"], analysis_code(opened, "negative_mass"), key="mass")
