"""Tiny vanilla transformers of every choice of parts: what the tests of them share."""

from typing import Any

import torch
from tiny_decoders import SPECS, stir

from headscope import attach
from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.vanilla import VanillaTransformer

VOCABULARY, ANSWERS, LAYERS, HEADS, D_HEAD = 50, 7, 2, 3, 10
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 24,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "head_dim": D_HEAD,
    "intermediate_size": 40,
    "max_position_embeddings": 32,
}
NO_BIASES: dict[str, Any] = {"attention_bias": False, "mlp_bias": False, "lm_head_bias": False}
SHAPES: dict[str, dict[str, Any]] = {
    "every part": {},
    "attention alone": {"attention_only": True},
    "folded norms": {"norm_gain": False, "norm_bias": False},
    "norms without bias": {"norm_bias": False},
    "rms": {"norm": "rms_norm"},
    "folded rms": {"norm": "rms_norm", "norm_gain": False},
    "last norm of its own": {"final_norm": "rms_norm"},
    "no last norm": {"final_norm": "none"},
    "rotary": {"position_embedding": "rotary"},
    "no positions": {"position_embedding": "none"},
    "a scale of its own": {"attention_scale": 0.5},
    "tied": {"tie_word_embeddings": True},
    "grokking": {"norm": "none", **NO_BIASES, "hidden_act": "relu", "output_vocab_size": ANSWERS},
    "answers alone": {"attention_only": True, "norm": "none", **NO_BIASES, "output_vocab_size": ANSWERS},
    "encoder": {"is_causal": False},
    "encoder of answers": {"is_causal": False, "output_vocab_size": ANSWERS},
}
CAUSAL = tuple(name for name, parts in SHAPES.items() if parts.get("is_causal", True))
WITH_ANSWERS = tuple(name for name, parts in SHAPES.items() if "output_vocab_size" in parts)


def tiny_vanilla(shape: str, variant: str = "softmax", **changes: Any) -> VanillaTransformer:
    """A random model in eval mode whose scores are neither tiny nor alike, with a variant of SPECS."""
    model = bare_vanilla(shape, **changes)
    attach(model, SPECS[variant])
    for layer in model.model.layers:
        stir(layer.self_attn.variant, 0.3)
    return model


def bare_vanilla(shape: str, **changes: Any) -> VanillaTransformer:
    """The same as transformers has it."""
    torch.manual_seed(0)
    model = VanillaTransformer(VanillaConfig(**{**SIZES, **SHAPES[shape], **changes})).eval()
    stir(model, 0.2)
    return model


def vanilla_ids(batch: int = 2, length: int = 9) -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(1))
