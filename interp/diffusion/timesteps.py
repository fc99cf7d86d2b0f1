"""Timesteps: how alike the patches become along depth, and how much attention subtracts, while noise is removed."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.matrix_measures import mean_cosine, relative_residual, singular_values
from headscope.interp.collapse.residual import depth_labels
from headscope.interp.diffusion.denoising_run import DenoisingRun, denoising_run, patch_residuals
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.rows.measures import minority_mass
from headscope.interp.weights.effective_rank import SOURCE, effective_rank, effective_rank_of_squares
from headscope.models.data.images.ddim import Sampling
from headscope.models.uvit.uvit import UViT

MOST = 12  # timesteps that are looked at
COLLAPSE = About(
    title="Collapse of the patch tokens",
    unit="1",
    law="mean cosine of two patches; ‖X − 1x̄ᵀ‖_F/‖X‖_F; effective rank exp H(σ/Σσ), of squares exp H(σ²/Σσ²); "
    "mean over images",
    source=f"Dong et al. 2021 (arXiv 2103.03404); {SOURCE}; over timesteps: headscope",
    plain="How alike the patches of an image are after every block, from almost pure noise to almost the image. A "
    "mean cosine near 1 and few effective directions mean that all patches have become one.",
)
SUBTRACTED = About(
    title="Attention that subtracts, by timestep",
    unit="share",
    law="min(m, 1 − m), m = Σ|A|·1[A < 0]/Σ|A|; mean over heads, rows and images",
    source="Lv et al. 2024 (arXiv 2411.07176); minority mass: headscope",
    plain="How much of every block's attention has the rarer sign while the noise is removed; 0 for softmax.",
)


@dataclass(frozen=True, repr=False)
class CollapseByTimestep(Result):
    """Of the patches alone, after the embedding and after every block; no change of gauge touches them."""

    drawn_by = "vision.timesteps:collapse_by_timestep_figure"

    mean_cosine: Float[Tensor, "timestep depth"]
    relative_residual: Float[Tensor, "timestep depth"]
    effective_rank: Float[Tensor, "timestep depth"]
    effective_rank_of_squares: Float[Tensor, "timestep depth"]


@dataclass(frozen=True, repr=False)
class SubtractedByTimestep(Result):
    """The minority mass of every block."""

    drawn_by = "vision.timesteps:subtracted_by_timestep_figure"

    minority_mass: Float[Tensor, "timestep layer"]


@dataclass(frozen=True)
class OverTimesteps:
    """Both results of one sampling."""

    collapse: CollapseByTimestep
    subtracted: SubtractedByTimestep


def over_timesteps(
    model: UViT,
    sampling: Sampling,
    label: int,
    watch: Callable[[str, int, int], None] = lambda words, done, total: None,
) -> OverTimesteps:
    """Read the images of a sampling at up to MOST of the timesteps that it went through, all of one label."""
    steps = torch.linspace(0, len(sampling.timesteps) - 1, min(MOST, len(sampling.timesteps))).round().int().tolist()
    measured, subtracted = [], []
    for done, step in enumerate(steps, start=1):
        run = denoising_run(model, sampling.path[step], sampling.timesteps[step], label)
        measured.append(of_run(run))
        subtracted.append(subtracted_mass(run.pattern))
        watch("timesteps", done, len(steps))
    collapse = torch.stack(measured, 1)
    at = tuple(str(sampling.timesteps[step]) for step in steps)
    depths = depth_labels(collapse.shape[2])
    return OverTimesteps(
        CollapseByTimestep(*collapse, about=COLLAPSE, labels={"timestep": at, "depth": depths}),
        SubtractedByTimestep(torch.stack(subtracted), about=SUBTRACTED, labels={"timestep": at, "layer": depths[1:]}),
    )


def of_run(run: DenoisingRun) -> Float[Tensor, "measure depth"]:
    """The measures at every depth, in the order of CollapseByTimestep, means over images."""
    patches = patch_residuals(run.residual).double()
    sigma = singular_values(patches)
    ranks = (effective_rank(sigma), effective_rank_of_squares(sigma))
    return torch.stack([item.mean(0) for item in (mean_cosine(patches), relative_residual(patches), *ranks)]).float()


def subtracted_mass(pattern: Float[Tensor, "image layer head query key"]) -> Float[Tensor, "layer"]:
    """The share of the rarer sign in a head's rows, mean over rows, heads and images."""
    magnitude = pattern.abs().sum(-1)
    negative = (pattern.clamp_max(0).abs().sum(-1) / magnitude.masked_fill(magnitude == 0, 1)).mean(-1)
    return minority_mass(negative).mean((0, 2))
