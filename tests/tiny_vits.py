"""Tiny vision transformers with every variant, and images for them: what the tests of vision share."""

from typing import Any

import torch
from jaxtyping import Float
from tiny_decoders import FURTHER, SPECS, stir
from torch import Tensor

from headscope import AttentionSpec
from headscope.models.data.images.digits import digit_fields
from headscope.models.hosts.untrained import untrained_config, untrained_model

LAYERS, HEADS, D_MODEL, TOKENS, CLASSES = 3, 4, 32, 17, 10


def vit_fields(d_model: int = 64, layers: int = 4, heads: int = HEADS, patch: int = 2) -> dict[str, Any]:
    """The fields of a small ViT's config, but for those that the digits decide."""
    shape = {"hidden_size": d_model, "intermediate_size": 2 * d_model, "patch_size": patch}
    return {"model_type": "vit", "num_hidden_layers": layers, "num_attention_heads": heads, **shape}


def untrained_vit(spec: AttentionSpec, **shape: int) -> Any:
    """A fresh ViT for the digits."""
    return untrained_model(untrained_config(vit_fields(**shape), digit_fields()), spec)


def tiny_vit(name: str = "cog", patch: int = 2) -> Any:
    """A vision transformer in eval mode whose scores are neither tiny nor alike, with a variant of SPECS or FURTHER."""
    model = untrained_vit({**SPECS, **FURTHER}[name], d_model=D_MODEL, layers=LAYERS, heads=HEADS, patch=patch).eval()
    stir(model, 0.15)
    return model


def random_images(count: int, seed: int = 0) -> Float[Tensor, "image 1 8 8"]:
    """Images of noise between -1 and 1."""
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
