"""Panels of the Diffusion page: the images of every model, its attention on the way, and how alike its patches get."""

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from headscope.app.figure.constant import no_sign
from headscope.app.figure.panel import figure_panel
from headscope.app.panels.diffusion_choices import IMAGES, DiffusionSelection, SamplingSettings
from headscope.app.panels.diffusion_code import TIMESTEPS, attention_code, key_of, sampling_code
from headscope.app.serving.diffusion_models import OpenedDiffusion, shared_diffusion_result
from headscope.interp.diffusion.image_grid import ImageGrid, image_grid
from headscope.interp.diffusion.patch_attention import PatchAttention, patch_attention
from headscope.interp.diffusion.timesteps import OverTimesteps, over_timesteps
from headscope.interp.figures.drawing.shared_scales import on_shared_scales
from headscope.interp.figures.vision.patch_attention import heads_on_patches_figure, patch_attention_figure
from headscope.models.data.images.ddim import Sampling, Watch, sample
from headscope.models.uvit.uvit import UViT

PARTS = {"collapse": "How alike the patches become", "subtracted": "How much attention subtracts"}
Shown = dict[str, tuple[OpenedDiffusion, Sampling]]  # where a model comes from -> the model and its images
Part = TypeVar("Part")


def image_sampling(opened: OpenedDiffusion, what: SamplingSettings) -> Sampling:
    """The images and the way to them."""
    labels = torch.full((IMAGES,), what.label_for(opened.service.facts.config))
    how = {"steps": what.steps, "guidance": what.guidance}
    return shared_diffusion_result(
        opened, what, lambda model, watch: sample(model, labels, seed=what.seed, watch=watch, **how)
    )


def images_panel(opened: OpenedDiffusion, what: SamplingSettings, sampling: Sampling) -> None:
    """The images that a model made."""
    title = f"{opened.title}: ten images"
    code = f"""{sampling_code(opened, what)}
image_grid(sampling.images, [f"image {{n}}" for n in range({IMAGES})], {title!r}).figure()"""
    figure_panel(title, grid_of(sampling, title), code, key=f"images_{key_of(opened)}")


def grid_of(sampling: Sampling, title: str) -> ImageGrid:
    """The images side by side."""
    return image_grid(sampling.images, [f"image {at}" for at in range(len(sampling.images))], title)


def attention_panels(images_of: Shown, what: SamplingSettings, at: DiffusionSelection) -> None:
    """What one head reads, and all heads as thumbnails, model beside model."""
    for (opened, sampling), column in parts_in_columns(list(images_of.values())):
        result = shared_diffusion_result(
            opened, (what, at.image, at.step, at.query), partial(selected_patch_attention, sampling, what, at)
        )
        variant = opened.service.facts.layer_variants[at.block]
        drawn = {
            "patches": (
                f"block {at.block}, head {at.head} ({variant})",
                f"patch_attention_figure(found, {at.block}, {at.head})",
                patch_attention_figure(result, at.block, at.head),
            ),
            "heads": ("all heads", "heads_on_patches_figure(found)", heads_on_patches_figure(result)),
        }
        for name, (words, call, figure) in drawn.items():
            title, code = f"{opened.title}: {words}", f"{attention_code(opened, what, at)}\n{call}"
            with column:
                figure_panel(title, result, code, key=f"{name}_{key_of(opened)}", figure=figure, field="weight")


def selected_patch_attention(
    sampling: Sampling, what: SamplingSettings, at: DiffusionSelection, model: UViT, watch: Watch
) -> PatchAttention:
    """The attention of the looked-at token."""
    noisy = sampling.path[at.step, at.image]
    label, query = what.label_for(model.config), at.query_of(model.config)
    return patch_attention(model, noisy, sampling.timesteps[at.step], label, query)


def timestep_panels(images_of: Shown, what: SamplingSettings) -> None:
    """Collapse and subtraction along depth and timestep, model beside model on one scale."""
    entry = [
        (opened, shared_diffusion_result(opened, ("timesteps", what), partial(follow, sampling, what)))
        for opened, sampling in images_of.values()
    ]
    for part, words in PARTS.items():
        results = [getattr(item, part) for _, item in entry]
        figures = [result.figure() for result in results]
        on_shared_scales(figures)
        for ((opened, _), column), result, figure in zip(parts_in_columns(entry), results, figures, strict=True):
            why = no_sign(opened.service.facts.layer_variants) if part == "subtracted" else ""
            label = what.label_for(opened.service.facts.config)
            code = f"{sampling_code(opened, what, TIMESTEPS)}\nfound = over_timesteps(model, sampling, {label})"
            code += f"\nfound.{part}.figure()"
            with column:
                title, key = f"{opened.title}: {words}", f"{part}_{key_of(opened)}"
                figure_panel(title, result, code, key=key, figure=figure, if_constant=why)


def follow(sampling: Sampling, what: SamplingSettings, model: UViT, watch: Watch) -> OverTimesteps:
    """Collapse and subtraction on the way of a sampling."""
    return over_timesteps(model, sampling, what.label_for(model.config), watch)


def parts_in_columns(parts: list[Part]) -> Iterator[tuple[Part, DeltaGenerator]]:
    """Each part with a column of its own."""
    return zip(parts, st.columns(len(parts), gap="medium"), strict=True)
