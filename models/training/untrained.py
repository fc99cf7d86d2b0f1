"""The model of a recipe before its first step."""

from difflib import get_close_matches
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.recipe import Recipe

OWNED = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id", "attention_spec")


def untrained_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A fresh float32 model with the recipe's attention; equal seeds give equal weights for every variant."""
    spec = AttentionSpec.from_json({"layers": "all", "options": {}, **recipe.attention})
    fields = dict(recipe.model)
    _check(fields, recipe.context)
    config = AutoConfig.for_model(
        **fields,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,  # the padding token is the first token too, and an embedding of padding is never trained
    )
    torch.manual_seed(recipe.seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    return attach(model, spec)


def _check(fields: dict[str, Any], context: int) -> None:
    if "model_type" not in fields:
        raise ValueError("the recipe's model has no 'model_type'; give one, such as 'llama'")
    if owned := [name for name in OWNED if name in fields]:
        raise ValueError(f"the recipe's model sets {owned[0]!r}, which the tokenizer or the attention table decides")
    kind = type(AutoConfig.for_model(fields["model_type"]))
    known = kind().to_dict()
    if unknown := [name for name in fields if name not in known and name not in kind.attribute_map]:
        alike = get_close_matches(unknown[0], known, n=3, cutoff=0.5) or sorted(known)
        raise ValueError(f"unknown {fields['model_type']} field {unknown[0]!r}; known: {', '.join(alike)}")
    positions = AutoConfig.for_model(**fields).max_position_embeddings
    if context > positions:
        raise ValueError(f"the recipe's context is {context}; its model has {positions} positions")
