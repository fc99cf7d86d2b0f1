"""Diffusion choices: which images are made, and which of them, at which moment, is looked into."""

from dataclasses import dataclass

import streamlit as st

from headscope.app.serving.diffusion_models import OpenedDiffusion
from headscope.interp.diffusion.denoising_run import diffusion_token_names
from headscope.models.data.images.ddim import Sampling
from headscope.models.uvit.config import UViTConfig

IMAGES = 10  # made at a time
STEPS = (10, 25, 50, 100)
STRENGTHS = (1.0, 1.5, 2.0, 3.0, 5.0)
ANY = "any"


@dataclass(frozen=True)
class SamplingSettings:
    """What is made: images of one class or of any (None), from a seed's noise, in so many steps, with a guidance."""

    label: int | None
    seed: int
    steps: int
    guidance: float

    def label_for(self, config: UViTConfig) -> int:
        """The class as a model numbers it: any class is the one after its last."""
        return config.null_class if self.label is None else self.label


@dataclass(frozen=True)
class DiffusionSelection:
    """What is looked at: one of the images, the step it is at, a block, a head, and the token that asks, by name."""

    image: int
    step: int
    block: int
    head: int
    query: str

    def query_of(self, config: UViTConfig) -> int:
        """The place of the asking token in a model."""
        return diffusion_token_names(config).index(self.query)


def sampling_settings(models: list[OpenedDiffusion]) -> SamplingSettings:
    """The boxes of what is made."""
    classes = min(model.service.facts.config.null_class for model in models)
    digit, seed, steps, guidance = st.columns(4)
    options = [*map(str, range(classes)), ANY]
    label = digit.selectbox("Class", options, index=min(3, classes - 1), key="class", bind="query-params")
    number = seed.number_input("Seed", 0, 10**6, 0, key="seed", bind="query-params")
    long = steps.selectbox("Steps of sampling", STEPS, index=1, key="sampling_steps", bind="query-params")
    strong = guidance.selectbox(
        "Guidance",
        STRENGTHS,
        key="guidance",
        bind="query-params",
        help="1 follows the class; more exaggerates what tells it from images of any class.",
    )
    return SamplingSettings(None if label == ANY else int(label or 0), int(number), int(long or 25), float(strong or 1))


def diffusion_selection(models: list[OpenedDiffusion], sampling: Sampling) -> DiffusionSelection:
    """The boxes of what is looked at; blocks, heads and tokens that every chosen model has."""
    blocks = min(model.service.facts.config.num_hidden_layers for model in models)
    heads = min(model.service.facts.config.num_attention_heads for model in models)
    names, at = shared_tokens(models), [str(timestep) for timestep in sampling.timesteps]
    moment = st.select_slider(
        "Timestep, from noise to image", at, value=at[len(at) // 2], key="timestep", bind="query-params"
    )
    image, block, head, query = st.columns(4)
    shown = image.selectbox("Image", range(len(sampling.images)), key="of_image", bind="query-params")
    layer = block.selectbox("Block", range(blocks), index=blocks // 2, key="block", bind="query-params")
    number = head.selectbox("Head", range(heads), key="block_head", bind="query-params")
    asking = query.selectbox("Query", names, index=names.index(middle(names)), key="query_token", bind="query-params")
    return DiffusionSelection(shown or 0, at.index(moment), layer or 0, number or 0, asking or middle(names))


def shared_tokens(models: list[OpenedDiffusion]) -> tuple[str, ...]:
    """The tokens that all models have, in the order of the first one's."""
    first, *others = [diffusion_token_names(model.service.facts.config) for model in models]
    return tuple(name for name in first if all(name in names for names in others))


def middle(names: tuple[str, ...]) -> str:
    """The patch in the middle of the image."""
    side = round((len(names) - 2) ** 0.5)
    return f"patch {side // 2},{side // 2}"
