"""Modality: what a family of models takes in, and what follows from it: its head, its count of tokens, its words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn
from transformers import (
    CONFIG_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

from headscope.models.hosts.words import IMAGE_WORDS, MASK_WORDS, TEXT_WORDS, Words
from headscope.models.seam.call_arguments import Keywords
from headscope.models.seam.input_sizes import (
    first_ids,
    grey_ramp,
    n_given,
    n_image_tokens,
    n_positions,
    n_seen,
    patch_grid,
)
from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.tokens import EXTRA
from headscope.models.uvit.uvit import UViT
from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.vanilla import VanillaTransformer

Reads = Literal["text", "masked text", "image", "noisy image"]


@dataclass(frozen=True)
class Modality:
    """What a model reads and answers.

    head: the transformers class that opens it. context: how many tokens it reads at most (an image has always as many).
    count: how many tokens a call of the base model has, from its arguments by name. trial: the smallest input, and what
    it is called. is_headed: whether a model has the head; kind: such a model. output: what it gives.
    configs: the class of a family's config, by the family's name. words: what sentences call an input and its parts.
    how_given: how an input is made, as the end of a sentence. opens_bare: whether a model without its head is one too,
    whose output is the last residual, normed.
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
    opens_bare: bool = False

    def head_of(self, config: PreTrainedConfig) -> Any:
        """The transformers class that opens a model of this config: without a head where the config names that."""
        bare = self.opens_bare and (config.architectures or [])[:1] == [bare_class(config)]
        return AutoModel if bare else self.head

    def is_bare(self, model: PreTrainedModel) -> bool:
        """Whether a model has no head, and is opened without."""
        return self.opens_bare and type(model).__name__ == bare_class(model.config)

    def takes(self, given: "Modality") -> bool:
        """Whether an input made for that modality can be read: a text may have a mask, or none."""
        return self.reads_as(given) or (self.reads_ids and given.reads_ids)

    def reads_as(self, other: "Modality") -> bool:
        """Whether both read the same kind of input."""
        return self.reads == other.reads

    @property
    def reads_ids(self) -> bool:
        """Whether it reads ids of a vocabulary, one after the other."""
        return self.reads in ("text", "masked text")

    @property
    def asks_masks(self) -> bool:
        """Whether what is asked of a text is the token at its mask."""
        return self.reads == "masked text"

    @property
    def continues_texts(self) -> bool:
        """Whether it is asked for what comes next."""
        return self.reads == "text"

    @property
    def reads_pictures(self) -> bool:
        """Whether it reads pictures, and says what they show."""
        return self.reads == "image"

    @property
    def removes_noise(self) -> bool:
        """Whether it is a diffusion model."""
        return self.reads == "noisy image"


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


def bare_class(config: PreTrainedConfig) -> str | None:
    """The name of transformers' class for such a model without a head."""
    name = MODEL_MAPPING_NAMES.get(config.model_type)
    return name if isinstance(name, str) else None


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
MASKED_TEXT = replace(
    TEXT,
    reads="masked text",
    head=AutoModelForMaskedLM,
    kind="a masked language model",
    words=MASK_WORDS,
    opens_bare=True,
)
IMAGE = Modality(
    reads="image",
    head=AutoModelForImageClassification,
    context=n_image_tokens,
    count=n_seen,
    trial=grey_ramp,
    trial_words="a grey image",
    configs=CONFIG_MAPPING,
    kind="an image classifier",
    is_headed=has_classifier,
    how_given="give headscope.interp.reading.pictures' digit_prompt or picture_prompt",
)
PICTURE = replace(IMAGE, kind="an image classifier or a bare vision encoder", opens_bare=True)
TOWER = replace(PICTURE, head=AutoModel)  # of which transformers has no classifier by its own config
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
MODALITIES: dict[Reads, Modality] = {item.reads: item for item in (TEXT, MASKED_TEXT, IMAGE, NOISY_IMAGE)}
