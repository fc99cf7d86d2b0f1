"""Denoising run: one pass of a diffusion model over noisy images, with all patterns and residuals."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.models.uvit.tokens import EXTRA
from headscope.models.uvit.uvit import UViT

BEFORE_PATCHES = ("class", "time")


@dataclass(frozen=True)
class DenoisingRun:
    """What a model did with images of one timestep and one label, float32 on the CPU.

    Tokens are the class, the time, and the patches row by row. residual: what enters the first block, and what leaves
    each (blocks.N.hook_resid_post of the hooked model); pattern: blocks.N.attn.hook_pattern.
    """

    pattern: Float[Tensor, "image layer head query key"]
    residual: Float[Tensor, "image depth pos d_model"]
    noise: Float[Tensor, "image channel row column"]
    timestep: int


@torch.no_grad()
def denoising_run(
    model: UViT, noisy: Float[Tensor, "image channel row column"], timestep: int, label: int
) -> DenoisingRun:
    """Run a model in eval mode once. ValueError for a timestep or a label that it does not know."""
    refuse_unknown_timestep(model, timestep, label)
    at = torch.full((len(noisy),), timestep, device=model.device)
    result = model(
        noisy.to(model.device), at, torch.full_like(at, label), output_attentions=True, output_hidden_states=True
    )
    pattern, residual = torch.stack(result.attentions, 1), torch.stack(result.hidden_states, 1)
    return DenoisingRun(pattern.float().cpu(), residual.float().cpu(), result.noise.float().cpu(), timestep)


def denoising_patterns(
    model: UViT, noisy: Float[Tensor, "channel row column"], timestep: int, label: int
) -> Float[Tensor, "layer head query key"]:
    """The signed weights of every head on one noisy image; blocks are numbered from the first in to the last out."""
    return denoising_run(model, noisy[None], timestep, label).pattern[0]


def refuse_unknown_timestep(model: UViT, timestep: int, label: int) -> None:
    """Raise ValueError for a timestep or a label outside the model's; the null class is a label too."""
    if not 0 <= timestep < model.config.timesteps:
        raise ValueError(f"timestep {timestep} was asked for; this model knows 0 to {model.config.timesteps - 1}")
    if not 0 <= label <= model.config.null_class:
        raise ValueError(f"label {label} was asked for; this model knows 0 to {model.config.null_class}")


def diffusion_token_names(config: object) -> tuple[str, ...]:
    """class, time, and the patches by row and column."""
    side = config.image_size // config.patch_size  # type: ignore[attr-defined]
    return (*BEFORE_PATCHES, *(f"patch {row},{column}" for row in range(side) for column in range(side)))


def patch_residuals(residual: Float[Tensor, "*depth pos d_model"]) -> Float[Tensor, "*depth patch d_model"]:
    """The patch tokens alone."""
    return residual[..., EXTRA:, :]
