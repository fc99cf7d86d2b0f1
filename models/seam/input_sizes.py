"""Input sizes: how many tokens a model's input has, read off its config and the arguments of a call."""

from collections.abc import Iterable

import torch
from torch import nn
from transformers import PreTrainedConfig

from headscope.models.seam.call_arguments import Keywords

CLASS_TOKEN = "CLS"
WITHOUT_CLASS_TOKEN = ("siglip_vision_model",)
POSITION_TABLE = "position_embeddings"


def n_positions(config: PreTrainedConfig) -> int:
    """How many tokens a language model was made for; 2048 where its config says nothing of it."""
    return getattr(config, "max_position_embeddings", None) or 2048


def position_tables(model: nn.Module) -> list[nn.Embedding]:
    """The embeddings of positions that an encoder of texts learned."""
    named = (module for name, module in model.named_modules() if name.endswith(POSITION_TABLE))
    return [table for table in named if isinstance(table, nn.Embedding)]


def positions_before_text(model: nn.Module) -> int:
    """How many learned positions no text gets: RoBERTa's kin begin after that of the padding."""
    paddings = (table.padding_idx for table in position_tables(model))
    return max((place + 1 for place in paddings if place is not None), default=0)


def n_given(config: PreTrainedConfig, arguments: Keywords) -> int:
    """How many tokens a language model's call adds to its cache."""
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


def leading_tokens(config: PreTrainedConfig) -> tuple[str, ...]:
    """The names of the tokens before an image's patches: the class token where there is one, and registers."""
    first = () if config.model_type in WITHOUT_CLASS_TOKEN else (CLASS_TOKEN,)
    return (*first, *(f"REG{number}" for number in range(getattr(config, "num_register_tokens", 0))))


def n_image_tokens(config: PreTrainedConfig) -> int:
    """The patches of an image, and the tokens before them."""
    rows, columns = patch_grid(config)
    return rows * columns + len(leading_tokens(config))


def n_seen(config: PreTrainedConfig, arguments: Keywords) -> int:
    """The tokens of the images of a call, which may be larger than those the model was made for."""
    height, width = arguments["pixel_values"].shape[-2:]
    tall, wide = two_sides(config.patch_size)
    return (height // tall) * (width // wide) + len(leading_tokens(config))


def grey_ramp(config: PreTrainedConfig) -> Keywords:
    """An image from black to white."""
    height, width = two_sides(config.image_size)
    ramp = torch.linspace(-1, 1, height * width).view(1, 1, height, width)
    return {"pixel_values": ramp.expand(-1, config.num_channels, -1, -1)}
