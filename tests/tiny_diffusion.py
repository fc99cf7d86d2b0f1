"""Tiny diffusion models with every variant, and folders of them: what the tests of diffusion share."""

from pathlib import Path
from typing import Any

from tiny_decoders import SPECS, stir

from headscope import save
from headscope.models.data.images.digits import digit_fields
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.hosts.untrained import untrained_config, untrained_model
from headscope.models.training.recipe import Recipe
from headscope.models.uvit.uvit import UViT

LAYERS, HEADS, D_MODEL, TOKENS = 5, 4, 32, 18


def uvit_fields(d_model: int = 64, layers: int = LAYERS, heads: int = HEADS, patch: int = 2) -> dict[str, Any]:
    """The fields of a small U-ViT's config, but for those that the digits decide."""
    shape = {"hidden_size": d_model, "intermediate_size": 4 * d_model, "patch_size": patch}
    return {"model_type": "uvit", "num_hidden_layers": layers, "num_attention_heads": heads, **shape}


def untrained_uvit(spec: AttentionSpec, **shape: int) -> Any:
    """A fresh U-ViT for the digits."""
    return untrained_model(untrained_config(uvit_fields(**shape), digit_fields()), spec)


def tiny_uvit(name: str = "cog") -> UViT:
    """A U-ViT in eval mode whose scores are neither tiny nor alike, with a variant of SPECS."""
    model = untrained_uvit(SPECS[name], d_model=D_MODEL, layers=LAYERS, heads=HEADS)
    stir(model, 0.15)
    return model.eval()


def tiny_diffusion_folder(place: Path, variant: str = "cog") -> Path:
    """The folder of a tiny model; softmax stays in its first and last block."""
    model = untrained_uvit(AttentionSpec(variant, layers="inner"), d_model=D_MODEL, layers=LAYERS, heads=HEADS)
    return save(model.eval(), place)


def tiny_recipe(variant: str = "cog", steps: int = 3, **changes: Any) -> Recipe:
    """A training of a few steps."""
    fields = {
        "model": uvit_fields(d_model=16, layers=3, heads=2),
        "data": {"source": "noisy_digits"},
        "attention": {"variant": variant, "layers": "inner"},
        "batch": 4,
        "warmup": 1,
        "snapshots": 0,
    }
    return Recipe(**{**fields, "steps": steps, **changes})
