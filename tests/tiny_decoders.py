"""Tiny decoders of every supported family, and the variants to put into them: what the tests over the tables share."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    ApertusConfig,
    ArceeConfig,
    Ernie4_5Config,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    Glm4Config,
    GlmConfig,
    GPT2Config,
    GPTBigCodeConfig,
    GPTNeoXConfig,
    GraniteConfig,
    HunYuanDenseV1Config,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
    SeedOssConfig,
    SmolLM3Config,
    StableLmConfig,
    Starcoder2Config,
)

from headscope import AttentionSpec, attach
from headscope.models.attention import VARIANTS
from headscope.models.hosts.families import family_of
from headscope.models.vanilla.config import VanillaConfig

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
SLIDING: dict[str, Any] = {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1}
MULTIPLIERS: dict[str, Any] = {
    "embedding_multiplier": 3.0,
    "attention_multiplier": 0.2,
    "residual_multiplier": 0.5,
    "logits_scaling": 4.0,
}
WINDOWED = {**GROUPED, "sliding_window": 6, "query_pre_attn_scalar": 8}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "gpt2": lambda: GPT2Config(**TOKENS, n_positions=64, n_embd=32, n_layer=3, n_head=4),
    "gpt_neox": lambda: GPTNeoXConfig(**TOKENS, **SIZES),
    "llama": lambda: LlamaConfig(**GROUPED),
    "qwen3": lambda: Qwen3Config(**GROUPED),
    "gemma2": lambda: Gemma2Config(**WINDOWED, attn_logit_softcapping=5.0),
    "gemma3_text": lambda: Gemma3TextConfig(**WINDOWED),
}

PARTIAL: dict[str, Any] = {"rope_theta": 1e4, "partial_rotary_factor": 0.5}
ALPHA: dict[str, Any] = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 1.0, "alpha": 100.0}

MORE: dict[str, Callable[[], PreTrainedConfig]] = {
    "gemma": lambda: GemmaConfig(**GROUPED),
    "mistral": lambda: MistralConfig(**GROUPED, sliding_window=6),
    "qwen2": lambda: Qwen2Config(**TOKENS, **SIZES, num_key_value_heads=2, **SLIDING),
    "phi": lambda: PhiConfig(**TOKENS, **SIZES, num_key_value_heads=2, rope_parameters=PARTIAL),
    "phi3": lambda: Phi3Config(**TOKENS, **SIZES, num_key_value_heads=2, sliding_window=6),
    "stablelm": lambda: StableLmConfig(**TOKENS, **SIZES, num_key_value_heads=2, rope_parameters=PARTIAL),
    "starcoder2": lambda: Starcoder2Config(**TOKENS, **SIZES, num_key_value_heads=2, sliding_window=6),
    "granite": lambda: GraniteConfig(**TOKENS, **SIZES, num_key_value_heads=2, **MULTIPLIERS),
    "smollm3": lambda: SmolLM3Config(**TOKENS, **SIZES, num_key_value_heads=2, no_rope_layers=[1, 0, 1]),
    "glm": lambda: GlmConfig(**GROUPED, rope_parameters=PARTIAL, attention_bias=True),
    "gpt_bigcode": lambda: GPTBigCodeConfig(**TOKENS, n_positions=64, n_embd=32, n_layer=3, n_head=4),
    "apertus": lambda: ApertusConfig(**TOKENS, **SIZES, num_key_value_heads=2),
    "glm4": lambda: Glm4Config(**GROUPED, rope_parameters=PARTIAL, attention_bias=True),
    "ernie4_5": lambda: Ernie4_5Config(**GROUPED, use_bias=True),
    "seed_oss": lambda: SeedOssConfig(**GROUPED),
    "arcee": lambda: ArceeConfig(**GROUPED),
    "hunyuan_v1_dense": lambda: HunYuanDenseV1Config(**GROUPED, rope_parameters=ALPHA),
    "vanilla_transformer": lambda: VanillaConfig(**GROUPED, attention_scale=0.5),
}
EVERY = {**CONFIGS, **MORE}

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
# Beside those, which differ in every seam of a model, these differ from them in kernel and learned parts alone.
LATER: dict[str, AttentionSpec] = {
    "sink": AttentionSpec("sink"),
    "sink off by one": AttentionSpec("sink", learned=False),
    "sigmoid": AttentionSpec("sigmoid", learned=True),
    "softpick": AttentionSpec("softpick"),
    "relu": AttentionSpec("relu", power=2),
    "entmax": AttentionSpec("entmax", learned=True),
    "scalable": AttentionSpec("scalable"),
    "stick_breaking": AttentionSpec("stick_breaking"),
}
# What reads hidden states, mixes heads or multiplies outputs: in families that call attention differently.
FURTHER: dict[str, AttentionSpec] = {
    "forgetting": AttentionSpec("forgetting"),
    "differential": AttentionSpec("differential"),
    "gated": AttentionSpec("cog", gate="head"),
    "gated by element": AttentionSpec("selective", gate="element"),
}
FIRST = tuple(SPECS)
SPECS.update({**LATER, **FURTHER})

FEW = ("llama", "gemma2")  # shared keys; a soft cap and a window
CALLED_APART = ("gpt2", "gpt_neox", "llama", "gemma2")
IN_FEW = [
    *((family, name) for family in FEW for name in LATER),
    *((family, name) for family in CALLED_APART for name in FURTHER),
]
# Every variant in the first families; in the others, which differ from these in little, the one that asks most of them.
PAIRS = [
    *((family, name) for family in CONFIGS for name in FIRST),
    *IN_FEW,
    *((family, "selective") for family in MORE),
]
# The variants in every family; the later ones in few.
EVERY_PAIR = [
    *((family, name) for family in EVERY for name in FIRST if name in VARIANTS),
    *((family, name) for family, name in IN_FEW if name in VARIANTS),
]


def tiny_decoder(family: str, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A random decoder with weights large enough for its attention to be far from uniform, in eval mode."""
    torch.manual_seed(seed)
    config = EVERY[family]()
    for name, value in changes.items():
        setattr(config, name, value)
    model = family_of(config.model_type).modality.head.from_config(config).eval()
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
