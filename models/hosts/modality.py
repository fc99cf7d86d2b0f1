"""Modality: what a family of models takes in, and what follows from it: its head, and its count of tokens."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForImageClassification

from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.tokens import EXTRA
from headscope.models.uvit.uvit import UViT

Reads = Literal["text", "image", "noisy image"]


@dataclass(frozen=True)
class Modality:
    """What a model reads and answers.

    head: the transformers class that opens it. context: how many tokens it reads at most (an image has always as many).
    count: how many tokens a call of the base model has, from its arguments by name. trial: the smallest input.
    configs: the class of a family's config, by the family's name.
    """

    reads: Reads
    head: Any
    context: Callable[[Any], int]
    count: Callable[[Any, Mapping[str, Any]], int]
    trial: Callable[[Any], dict[str, Any]]
    configs: Mapping[str, Any]


def n_positions(config: Any) -> int:
    """How many tokens a decoder was made for."""
    return config.max_position_embeddings


def n_given(config: Any, given: Mapping[str, Any]) -> int:
    """How many tokens a decoder's call adds to its cache."""
    tokens = given["input_ids"] if given.get("inputs_embeds") is None else given["inputs_embeds"]
    return tokens.shape[1]


def first_ids(config: Any) -> dict[str, Any]:
    """The first four token ids."""
    ids = torch.arange(min(4, config.max_position_embeddings))[None] % config.vocab_size
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}


def two_sides(size: int | Iterable[int]) -> tuple[int, int]:
    """Height and width, where a config may give one number for both."""
    height, width = size if isinstance(size, Iterable) else (size, size)
    return height, width


def grid(config: Any) -> tuple[int, int]:
    """Rows and columns of patches."""
    (height, width), (tall, wide) = two_sides(config.image_size), two_sides(config.patch_size)
    return height // tall, width // wide


def n_patches_and_class(config: Any) -> int:
    """The patches of an image, and the class token before them."""
    rows, columns = grid(config)
    return rows * columns + 1


def n_seen(config: Any, given: Mapping[str, Any]) -> int:
    """The tokens of the images of a call, which may be larger than those the model was made for."""
    height, width = given["pixel_values"].shape[-2:]
    tall, wide = two_sides(config.patch_size)
    return (height // tall) * (width // wide) + 1


def grey_ramp(config: Any) -> dict[str, Any]:
    """An image from black to white."""
    height, width = two_sides(config.image_size)
    ramp = torch.linspace(-1, 1, height * width).view(1, 1, height, width)
    return {"pixel_values": ramp.expand(-1, config.num_channels, -1, -1)}


def n_patches_class_and_time(config: Any) -> int:
    """The patches of a noisy image, and the class and the time token before them."""
    rows, columns = grid(config)
    return rows * columns + EXTRA


def ramp_of_noise(config: Any) -> dict[str, Any]:
    """A noisy image from black to white, half way, of no class."""
    ramp = grey_ramp(config)["pixel_values"]
    return {"pixel_values": ramp, "timestep": torch.full((1,), config.timesteps // 2)}


TEXT = Modality("text", AutoModelForCausalLM, n_positions, n_given, first_ids, CONFIG_MAPPING)
IMAGE = Modality("image", AutoModelForImageClassification, n_patches_and_class, n_seen, grey_ramp, CONFIG_MAPPING)
NOISY_IMAGE = Modality(
    "noisy image",
    UViT,
    n_patches_class_and_time,
    lambda config, given: n_patches_class_and_time(config),
    ramp_of_noise,
    {"uvit": UViTConfig},
)
