"""Modality: what a family of models takes in, and what follows from it: its head, its count of tokens, its words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from headscope.models.hosts.call_arguments import Keywords
from headscope.models.hosts.words import IMAGE_WORDS, TEXT_WORDS, Words
from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.tokens import EXTRA
from headscope.models.uvit.uvit import UViT
from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.vanilla import VanillaTransformer

Reads = Literal["text", "image", "noisy image"]


@dataclass(frozen=True)
class Modality:
    """What a model reads and answers.

    head: the transformers class that opens it. context: how many tokens it reads at most (an image has always as many).
    count: how many tokens a call of the base model has, from its arguments by name. trial: the smallest input, and what
    it is called. is_headed: whether a model has the head; kind: such a model. output: what it gives.
    configs: the class of a family's config, by the family's name. words: what sentences call an input and its parts.
    how_given: how an input is made, as the end of a sentence.
    """

    reads: Reads
    head: Any
    context: Callable[[PreTrainedConfig], int]
    count: Callable[[PreTrainedConfig, Keywords], int]
    trial: Callable[[PreTrainedConfig], Keywords]
    trial_words: str
    configs: Mapping[str, type[PreTrainedConfig]]
    kind: str
    is_headed: Callable[[PreTrainedModel], bool]
    output: str = "logits"
    words: Words = IMAGE_WORDS
    how_given: str = ""

    def reads_as(self, other: "Modality") -> bool:
        """Whether both read the same kind of input."""
        return self.reads == other.reads

    @property
    def reads_ids(self) -> bool:
        """Whether it reads ids of a vocabulary, one after the other."""
        return self.reads == "text"

    @property
    def reads_pictures(self) -> bool:
        """Whether it reads pictures, and says what they show."""
        return self.reads == "image"

    @property
    def removes_noise(self) -> bool:
        """Whether it is a diffusion model."""
        return self.reads == "noisy image"


def n_positions(config: PreTrainedConfig) -> int:
    """How many tokens a decoder was made for; 2048 where its config says nothing of it."""
    return getattr(config, "max_position_embeddings", None) or 2048


def n_given(config: PreTrainedConfig, arguments: Keywords) -> int:
    """How many tokens a decoder's call adds to its cache."""
    tokens = arguments["input_ids"] if arguments.get("inputs_embeds") is None else arguments["inputs_embeds"]
    return tokens.shape[1]


def first_ids(config: PreTrainedConfig) -> Keywords:
    """The first four token ids."""
    ids = torch.arange(min(4, n_positions(config)))[None] % config.vocab_size
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}


def two_sides(size: int | Iterable[int]) -> tuple[int, int]:
    """Height and width, where a config may give one number for both."""
    height, width = size if isinstance(size, Iterable) else (size, size)
    return height, width


def patch_grid(config: PreTrainedConfig) -> tuple[int, int]:
    """Rows and columns of patches."""
    (height, width), (tall, wide) = two_sides(config.image_size), two_sides(config.patch_size)
    return height // tall, width // wide


def n_patches_and_class(config: PreTrainedConfig) -> int:
    """The patches of an image, and the class token before them."""
    rows, columns = patch_grid(config)
    return rows * columns + 1


def n_seen(config: PreTrainedConfig, arguments: Keywords) -> int:
    """The tokens of the images of a call, which may be larger than those the model was made for."""
    height, width = arguments["pixel_values"].shape[-2:]
    tall, wide = two_sides(config.patch_size)
    return (height // tall) * (width // wide) + 1


def grey_ramp(config: PreTrainedConfig) -> Keywords:
    """An image from black to white."""
    height, width = two_sides(config.image_size)
    ramp = torch.linspace(-1, 1, height * width).view(1, 1, height, width)
    return {"pixel_values": ramp.expand(-1, config.num_channels, -1, -1)}


def n_patches_class_and_time(config: PreTrainedConfig) -> int:
    """The patches of a noisy image, and the class and the time token before them."""
    rows, columns = patch_grid(config)
    return rows * columns + EXTRA


def ramp_of_noise(config: PreTrainedConfig) -> Keywords:
    """A noisy image from black to white, half way, of no class."""
    ramp = grey_ramp(config)["pixel_values"]
    return {"pixel_values": ramp, "timestep": torch.full((1,), config.timesteps // 2)}


def has_output_embeddings(model: PreTrainedModel) -> bool:
    """Whether a decoder ends in logits."""
    return model.get_output_embeddings() is not None


def has_classifier(model: PreTrainedModel) -> bool:
    """Whether an encoder ends in logits of classes."""
    return isinstance(getattr(model, "classifier", None), nn.Linear)


TEXT = Modality(
    reads="text",
    head=AutoModelForCausalLM,
    context=n_positions,
    count=n_given,
    trial=first_ids,
    trial_words="four tokens",
    configs=CONFIG_MAPPING,
    kind="a causal language model",
    is_headed=has_output_embeddings,
    words=TEXT_WORDS,
    how_given="give a text",
)
VANILLA_TEXT = replace(TEXT, head=VanillaTransformer, configs={"vanilla_transformer": VanillaConfig})
IMAGE = Modality(
    reads="image",
    head=AutoModelForImageClassification,
    context=n_patches_and_class,
    count=n_seen,
    trial=grey_ramp,
    trial_words="a grey image",
    configs=CONFIG_MAPPING,
    kind="an image classifier",
    is_headed=has_classifier,
    how_given="give headscope.interp.reading.pictures' digit_prompt or picture_prompt",
)
NOISY_IMAGE = Modality(
    reads="noisy image",
    head=UViT,
    context=n_patches_class_and_time,
    count=lambda config, arguments: n_patches_class_and_time(config),
    trial=ramp_of_noise,
    trial_words="a grey image",
    configs={"uvit": UViTConfig},
    kind="a diffusion model",
    is_headed=lambda model: True,
    output="noise",
)
MODALITIES: dict[Reads, Modality] = {item.reads: item for item in (TEXT, IMAGE, NOISY_IMAGE)}
