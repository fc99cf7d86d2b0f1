"""The Compare & trajectories page: models on one prompt in step, and numbers over the snapshots of training."""

import streamlit as st

from headscope.app.frame.left_out import left_out
from headscope.app.frame.other_models import other_models
from headscope.app.frame.page import page
from headscope.app.panels.beside.compare import collapse_beside, models_side_by_side
from headscope.app.panels.beside.mechanism import mechanism_panel
from headscope.app.panels.beside.spread_beside import spread_beside
from headscope.app.panels.training.page import training_panels
from headscope.app.panels.training.sweep_results import sweep_panels
from headscope.app.serving.refusals import refusals_in_place

opened = page(
    "Compare & trajectories",
    "The same {prompt} in several models, head beside head; and how any number changed while a model was trained.",
)
compare, collapse, mechanism, training = st.tabs(
    ["Heads", "Collapse", "Mechanism", "Training"], key="compare_tab", on_change="rerun", bind="query-params"
)
if compare.open:
    with compare, refusals_in_place("These models cannot be compared"):
        models_side_by_side([opened, *other_models(opened)])
if collapse.open:
    with collapse, refusals_in_place("These models cannot be compared"):
        compared = [opened, *other_models(opened)]
        if not left_out(opened, "collapse_count_ones", "How far apart two prompts are, model beside model"):
            collapse_beside(compared)
        spread_beside(compared)
if mechanism.open:
    with mechanism, refusals_in_place("Nothing can be taken out of this model"):
        mechanism_panel(opened)
if training.open:
    with training:
        training_panels(opened)
        with refusals_in_place("These results cannot be shown"):
            sweep_panels()
