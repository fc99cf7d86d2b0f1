"""Classifier: a small vision transformer for the digits, before its first step of training."""

import torch
from transformers import ViTConfig, ViTForImageClassification

from headscope.models.data.images.digits import CLASSES, SIZE
from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec


def untrained_vit(
    spec: AttentionSpec,
    *,
    d_model: int = 64,
    layers: int = 4,
    heads: int = 4,
    patch: int = 2,
    seed: int = 0,
    initializer_range: float = 0.02,
) -> ViTForImageClassification:
    """A fresh float32 model with the spec's attention; equal seeds give equal weights for every variant.

    patch: the side of a patch in pixels; 2 makes 4 × 4 patches and a class token. MLPs are twice as wide as d_model.
    initializer_range: the standard deviation of fresh weights, as in ViTConfig.
    Raises ValueError for a patch that does not divide the image, and for layers that the model has not.
    """
    if SIZE % patch:
        raise ValueError(f"patch {patch} was asked for; the digits are {SIZE} pixels wide, so it is 1, 2, 4 or 8")
    config = ViTConfig(
        hidden_size=d_model,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * d_model,
        image_size=SIZE,
        patch_size=patch,
        num_channels=1,
        initializer_range=initializer_range,
        id2label={digit: str(digit) for digit in range(CLASSES)},
        label2id={str(digit): digit for digit in range(CLASSES)},
    )
    torch.manual_seed(seed)
    model = ViTForImageClassification._from_config(config, attn_implementation="eager")
    attach(model, spec)
    return model
