"""Tiny diffusion models with every variant, and folders of them: what the tests of diffusion share."""

from pathlib import Path

from tiny_decoders import SPECS, stir

from headscope import save
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.diffusion_recipe import DiffusionRecipe
from headscope.models.untrained.uvit import untrained_uvit
from headscope.models.uvit.uvit import UViT

LAYERS, HEADS, D_MODEL, TOKENS = 5, 4, 32, 18


def tiny_uvit(name: str = "cog") -> UViT:
    """A U-ViT in eval mode whose scores are neither tiny nor alike, with a variant of SPECS."""
    model = untrained_uvit(SPECS[name], d_model=D_MODEL, layers=LAYERS, heads=HEADS)
    stir(model, 0.15)
    return model.eval()


def tiny_diffusion_folder(place: Path, variant: str = "cog") -> Path:
    """The folder of a tiny model; softmax stays in its first and last block."""
    model = untrained_uvit(AttentionSpec(variant, layers="inner"), d_model=D_MODEL, layers=LAYERS, heads=HEADS)
    return save(model.eval(), place)


def tiny_recipe(variant: str = "cog", steps: int = 3) -> DiffusionRecipe:
    """A training of a few steps."""
    return DiffusionRecipe(variant, d_model=16, layers=3, heads=2, steps=steps, batch=4, warmup=1)
