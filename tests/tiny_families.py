"""Tiny models of families that no list has: what the tests of the seam share."""

from functools import cache

import torch
from tiny_decoders import SPECS, stir
from transformers import PreTrainedModel

from headscope import attach
from headscope.interp.families.trial import tiny_random_model

# The most used that are not listed; the listed ones have their laws in the tests of hosts and of hooked models.
UNLISTED = (
    *("mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "granitemoe", "phimoe", "minimax_m2"),
    *("olmo", "olmo2", "olmo3", "cohere", "cohere2", "nemotron", "exaone4", "helium", "ministral"),
    *("opt", "biogpt", "persimmon", "jetmoe", "gpt_neo"),
    *("deepseek_v2", "deepseek_v3", "minicpm3", "glm4_moe", "llama4_text", "modernbert-decoder"),
)


def unlisted(family: str, name: str = "cog") -> PreTrainedModel:
    """A tiny model with the variant in it, what it learned stirred."""
    return stirred(attach(tiny_random_model(family), SPECS[name]))


def stirred(model: PreTrainedModel) -> PreTrainedModel:
    """The same model with what its variant learned moved at random."""
    for layer in [module for key, module in model.named_modules() if key.endswith(".variant")]:
        stir(layer, 0.3)
    return model


@cache
def shared(family: str) -> PreTrainedModel:
    """The same for tests that leave it as it is."""
    return unlisted(family)


def ids_of(batch: int = 2, length: int = 9) -> torch.Tensor:
    return torch.randint(3, 90, (batch, length))
