"""The Attention page: what every head of a model does with a prompt, with its sign."""

import streamlit as st

from headscope.app.frame.open_run import open_run
from headscope.app.frame.page import page
from headscope.app.frame.standing_out import jobs_of_run, standing_out_strip
from headscope.app.panels import attention as panels
from headscope.app.panels.alike import alike_panel
from headscope.app.panels.continuing.panel import continuation_panel
from headscope.app.panels.interventions import intervention_panel
from headscope.app.panels.passages.panel import corpus_panel
from headscope.app.panels.score import score_panel
from headscope.app.serving.address import open_head
from headscope.app.serving.refusals import refusals_in_a_box, refusals_in_place

opened = page(
    "Attention",
    "What every head reads, and with which sign. Choose a head; point at a row or {a_token} to see what it attends to.",
    keeps_patterns=False,
    offers_mixers=True,
)
key, facts = opened.key, opened.facts
with refusals_in_a_box(opened.in_words("This {prompt} cannot be read")):
    run = open_run(opened)

head = open_head(facts)
strip = st.container()
jobs = jobs_of_run(opened, run)
bench = st.container(key="bench")
left, right = bench.columns([3, 8], gap="small")
with left.container(border=True):
    panels.heads_panel(opened, run, head, jobs)
with right.container(border=True):
    row = panels.head_panel(opened, run, head)
with left.container(border=True):
    panels.predictions_panel(opened, run, row)
alike = left.container()
if not facts.reads_mixers:
    intervention_panel(opened, head, row)
    continuation_panel(opened, head)
    with refusals_in_place("This score has no parts"):
        score_panel(opened, run, head, row)
panels.edges_panel(run, facts, head, row)
panels.circuitsvis_panel(run, head)
if not facts.reads_mixers:
    corpus_panel(opened, head)
with strip, refusals_in_place("What stands out cannot be said"):  # after the drawings: it may run the model again
    standing_out_strip(opened, jobs)
with alike, refusals_in_place("Heads like this one cannot be found"):  # last: it reads the patterns of all heads
    alike_panel(opened, head)
