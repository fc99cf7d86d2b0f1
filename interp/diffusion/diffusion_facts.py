"""Diffusion facts: what is known of a diffusion model before it makes anything."""

from dataclasses import dataclass

from headscope.models.hosts.families import attention_modules
from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.uvit import UViT


@dataclass(frozen=True)
class DiffusionFacts:
    """Its sizes, and the attention variant of every block."""

    config: UViTConfig
    layer_variants: tuple[str, ...]


def diffusion_facts(model: UViT) -> DiffusionFacts:
    """The facts of an opened model."""
    return DiffusionFacts(model.config, tuple(module.variant.variant.name for module in attention_modules(model)))
