"""The Diffusion page: images made from noise by a U-ViT and a U-ViC, and their attention on the way."""

import streamlit as st

from headscope.app.frame.title_line import title_line, without_sidebar
from headscope.app.panels.diffusion import attention_panels, image_sampling, images_panel, timestep_panels
from headscope.app.panels.diffusion_choices import diffusion_selection, sampling_settings
from headscope.app.serving.diffusion_models import chosen_models
from headscope.app.serving.refusals import refusals_in_place

without_sidebar()
title_line(
    "Diffusion",
    "A model removes noise step by step until a digit is left: what do its heads read on the way? U-ViT has softmax "
    "attention, U-ViC Cog attention.",
)
models = chosen_models()
if not models:
    st.info("Choose a model.")
    st.stop()
what = sampling_settings(models)
sampled = {}
for opened, column in zip(models, st.columns(len(models), gap="medium"), strict=True):
    with column, refusals_in_place(f"{opened.title}: these images cannot be made"):
        sampled[opened.source] = (opened, image_sampling(opened, what))
        images_panel(opened, what, sampled[opened.source][1])
if not sampled:
    st.stop()
st.subheader("Attention while the noise is removed", anchor=False)
opened, sampling = next(iter(sampled.values()))
at = diffusion_selection([item for item, _ in sampled.values()], sampling)
with refusals_in_place("The attention cannot be read"):
    attention_panels(sampled, what, at)
st.subheader("From noise to image", anchor=False)
with refusals_in_place("The timesteps cannot be followed"):
    timestep_panels(sampled, what)
