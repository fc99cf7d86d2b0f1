"""A small U-ViT for the digits, before its first step of training."""

import torch

from headscope.models.data.images.digits import CLASSES, SIZE
from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.uvit import UViT


def untrained_uvit(
    spec: AttentionSpec, *, d_model: int = 64, layers: int = 5, heads: int = 4, patch: int = 2, seed: int = 0
) -> UViT:
    """A fresh float32 model with the spec's attention; equal seeds give equal weights for every variant.

    patch: the side of a patch in pixels; 2 makes 16 patches, a class and a time token. MLPs are four times as wide as
    d_model. Raises ValueError for an even number of layers, and for a patch that does not tile the image.
    """
    config = UViTConfig(
        hidden_size=d_model,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * d_model,
        image_size=SIZE,
        patch_size=patch,
        num_channels=1,
        id2label={digit: str(digit) for digit in range(CLASSES)},
        label2id={str(digit): digit for digit in range(CLASSES)},
    )
    torch.manual_seed(seed)
    model = UViT._from_config(config, attn_implementation="eager")
    attach(model, spec)
    return model
