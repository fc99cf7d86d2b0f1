"""Tiny decoders of every supported family, and the variants to put into them: what the tests over the tables share."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from models import AttentionSpec, attach

VOCABULARY = 99
TOKENS: dict[str, Any] = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": None, "pad_token_id": 2}
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
GROUPED = {**TOKENS, **SIZES, "num_key_value_heads": 2, "head_dim": 8}
WINDOWED = {**GROUPED, "sliding_window": 6, "query_pre_attn_scalar": 8}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "gpt2": lambda: GPT2Config(**TOKENS, n_positions=64, n_embd=32, n_layer=3, n_head=4),
    "gpt_neox": lambda: GPTNeoXConfig(**TOKENS, **SIZES),
    "llama": lambda: LlamaConfig(**GROUPED),
    "qwen3": lambda: Qwen3Config(**GROUPED),
    "gemma2": lambda: Gemma2Config(**WINDOWED, attn_logit_softcapping=5.0),
    "gemma3_text": lambda: Gemma3TextConfig(**WINDOWED),
}

SPECS: dict[str, AttentionSpec] = {
    "softmax": AttentionSpec("softmax"),
    "cog": AttentionSpec("cog"),
    "cogformer": AttentionSpec("cog", layers="inner"),
    "expressive": AttentionSpec("expressive"),
    "selective": AttentionSpec("selective"),
    "selective paper_code": AttentionSpec("selective", position="paper_code"),
    "selective queries": AttentionSpec("selective", position="none", on_value=False),
    "selective values": AttentionSpec("selective", token=False, on_query=False),
    "polynomial": AttentionSpec("polynomial", power=3),
    "polynomial per row": AttentionSpec("polynomial", coefficient="per_row"),
    "polynomial learned": AttentionSpec("polynomial", power=2, learned=True),
}


def tiny_decoder(family: str, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A random decoder with weights large enough for its attention to be far from uniform, in eval mode."""
    torch.manual_seed(seed)
    config = CONFIGS[family]()
    for name, value in changes.items():
        setattr(config, name, value)
    model = AutoModelForCausalLM.from_config(config).eval()
    stir(model, 0.2)
    return model


def attached(family: str, name: str, **changes: Any) -> PreTrainedModel:
    """A tiny decoder with the variant in it, temperatures and learned coefficients stirred."""
    model = attach(tiny_decoder(family, **changes), SPECS[name])
    for layer in [module for key, module in model.named_modules() if key.endswith(".variant")]:
        stir(layer, 0.3)
    return model


def stir(model: torch.nn.Module, spread: float) -> None:
    """Every parameter moved at random, so that zero-initialised biases, norms and temperatures matter too."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)


def packed_row() -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Three documents in each of two rows, and the call that packs them: position ids that start anew."""
    documents = [random_ids(2, length) for length in (5, 1, 9)]
    positions = torch.cat([torch.arange(ids.shape[1]) for ids in documents])[None]
    return documents, {"input_ids": torch.cat(documents, 1), "position_ids": positions}


def random_ids(batch: int = 2, length: int = 12) -> torch.Tensor:
    return torch.randint(3, VOCABULARY, (batch, length))
