"""Tiny encoders: masked language models, bare ones, and vision encoders with and without a classifier."""

from functools import cache
from typing import Any

import torch
from tiny_decoders import SPECS, stir
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from headscope import attach
from headscope.models.seam.tiny_config import tiny_config

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "capital",
    "of",
    "france",
    "is",
    "paris",
    "rome",
    ".",
    "0",
    "1",
)
MASKED = "the capital of france is [MASK] ."
WHOLE = "the capital of france is paris ."
TEXTS = ("bert", "roberta", "modernbert", "distilbert")
PICTURES = ("dinov2", "dinov2_with_registers", "clip_vision_model", "siglip_vision_model")
CLASSIFIERS = PICTURES[:2]
SMALL: dict[str, dict[str, Any]] = {
    "modernbert": dict.fromkeys(("cls_token_id", "bos_token_id"), 2)
    | dict.fromkeys(("sep_token_id", "eos_token_id"), 3),
}
SIDES = {"image_size": 8, "patch_size": 2, "num_channels": 1}


def fresh(family: str, head: Any) -> PreTrainedModel:
    """A tiny random model of the family in eval mode, its weights stirred."""
    config = tiny_config(family)
    for name, value in (SIDES if family in PICTURES else SMALL.get(family, {})).items():
        setattr(config, name, value)
    torch.manual_seed(0)
    model = head.from_config(config).eval()
    stir(model, 0.15)
    return model


def masked_model(family: str = "bert", name: str = "cog") -> PreTrainedModel:
    """A masked language model with a variant of SPECS."""
    return attach(fresh(family, AutoModelForMaskedLM), SPECS[name])


def bare_encoder(family: str, name: str = "cog") -> PreTrainedModel:
    """An encoder without a head, with a variant of SPECS."""
    return attach(fresh(family, AutoModel), SPECS[name])


def picture_classifier(family: str, name: str = "cog") -> PreTrainedModel:
    """A vision encoder with its classifier and a variant of SPECS."""
    return attach(fresh(family, AutoModelForImageClassification), SPECS[name])


@cache
def word_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of WORDS that puts [CLS] and [SEP] around a text."""
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $0 [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    return PreTrainedTokenizerFast(tokenizer_object=core, **special)


def ids_of(batch: int = 2, length: int = 9) -> torch.Tensor:
    return torch.randint(5, 90, (batch, length), generator=torch.Generator().manual_seed(0))


def pixels_of(batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
