"""The Compare & trajectories page: two models on one prompt in step, and numbers over the snapshots of training."""

import streamlit as st

from app.compare_panels import other_model, side_by_side, trajectory_panel
from app.page import page

opened = page(
    "Compare & trajectories",
    "The same prompt in two models, head beside head; and how any number changed while a model was trained.",
)
compare, training = st.tabs(["Two models", "Training"], key="compare_tab", on_change="rerun", bind="query-params")
if compare.open:
    with compare:
        side_by_side(opened, other_model(opened))
if training.open:
    with training:
        trajectory_panel(opened)
