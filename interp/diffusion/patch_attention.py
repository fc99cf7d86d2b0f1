"""Patch attention: what every head of a diffusion model reads for one token of a noisy image, laid over the image."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.diffusion.denoising_run import BEFORE_PATCHES, denoising_run, diffusion_token_names
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.uvit.tokens import EXTRA
from headscope.models.uvit.uvit import UViT

ABOUT = About(
    title="Attention over the patches of a noisy image",
    unit="signed weight",
    law="A[query, key] of every key that is a patch, at its place in the image",
    source="Lv et al. 2024 (arXiv 2411.07176), U-ViC",
    by_gauge={"odd": ("weight", "before_patches")},
    plain="Which parts of the image a token reads while the noise is removed: blue patches are added, red ones "
    "subtracted. The class and the time token stand beside the patches.",
)


@dataclass(frozen=True, repr=False)
class PatchAttention(Result):
    """The weights of one query on the patches, on the class and the time token, and the image that was read."""

    drawn_by = "vision.patch_attention:patch_attention_figure"

    weight: Float[Tensor, "layer head row column"]
    before_patches: Float[Tensor, "layer head token"]
    image: Float[Tensor, "pixel_row pixel_column"]
    query: int
    timestep: int


def patch_attention(
    model: UViT, noisy: Float[Tensor, "channel row column"], timestep: int, label: int, query: int
) -> PatchAttention:
    """The row of one query in every head. ValueError for a query that is no token of the model."""
    names = diffusion_token_names(model.config)
    if not 0 <= query < len(names):
        raise ValueError(f"token {query} was asked for; this model has tokens 0 to {len(names) - 1}")
    row = denoising_run(model, noisy[None], timestep, label).pattern[0, :, :, query]
    side = model.config.image_size // model.config.patch_size
    return PatchAttention(
        row[..., EXTRA:].unflatten(-1, (side, side)),
        row[..., :EXTRA],
        noisy.mean(0).cpu(),
        query,
        timestep,
        about=ABOUT,
        labels={"token": BEFORE_PATCHES},
    )
