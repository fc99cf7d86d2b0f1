"""DDIM (Song et al. 2020, arXiv 2010.02502): from noise to images in few steps, each a function of the one before."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.models.data.images.noise_schedule import kept_signal, noisy_images
from headscope.models.uvit.uvit import UViT

Images = Float[Tensor, "image channel row column"]
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Sampling:
    """Images on their way: path[i] is the noisy image that was read at timesteps[i], the last one is the result."""

    path: Float[Tensor, "step_and_end image channel row column"]
    timesteps: tuple[int, ...]

    @property
    def images(self) -> Images:
        """What came out, between -1 and 1."""
        return self.path[-1]


def watch_no_sampling(words: str, done: int, total: int) -> None:
    """Watches nothing."""


@torch.no_grad()
def sample(
    model: UViT,
    label: Int[Tensor, "image"],
    *,
    seed: int = 0,
    steps: int = 50,
    guidance: float = 1.0,
    watch: Watch = watch_no_sampling,
) -> Sampling:
    """One image per label, from noise of the seed; the null class (the number of classes) gives any.

    guidance: 1 follows the condition, more exaggerates it (classifier-free: Ho & Salimans 2022). watch is called after
    every step and may stop the work by raising. The model is to be in eval mode.
    """
    config = model.config
    size = (len(label), config.num_channels, config.image_size, config.image_size)
    noisy = torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(model.device)
    path, at = [noisy], spread_timesteps(config.timesteps, steps)
    kept = [*kept_signal(config.timesteps)[list(at)].tolist(), 1.0]
    predict = partial(predicted_noise, model, label=label.to(model.device), guidance=guidance)
    for done, (timestep, (now, then)) in enumerate(zip(at, pairwise(kept), strict=True), start=1):
        path.append(next_image(path[-1], predict(path[-1], timestep), now, then))
        watch("steps of sampling", done, len(at))
    return Sampling(torch.stack(path).cpu(), at)


def spread_timesteps(timesteps: int, steps: int) -> tuple[int, ...]:
    """Timesteps from the last to 0, evenly spread. ValueError for none, and for more than there are."""
    if not 1 <= steps <= timesteps:
        raise ValueError(f"{steps} steps were asked for; this model was trained on {timesteps} timesteps")
    return tuple(torch.linspace(timesteps - 1, 0, steps).round().int().tolist())


def predicted_noise(
    model: UViT, noisy: Images, timestep: int, *, label: Int[Tensor, "image"], guidance: float
) -> Images:
    """The model's answer, moved away from what it says without a class where guidance is not 1."""
    at = torch.full_like(label, timestep)
    conditioned = model(noisy, at, label).noise
    if guidance == 1:
        return conditioned
    free = model(noisy, at).noise
    return free + guidance * (conditioned - free)


def next_image(noisy: Images, noise: Images, kept: float, kept_then: float) -> Images:
    """The image at the next, less noisy timestep; the clean image in between is cut to [-1, 1]."""
    clean = ((noisy - (1 - kept) ** 0.5 * noise) / kept**0.5).clamp(-1, 1)
    left = (noisy - kept**0.5 * clean) / (1 - kept) ** 0.5
    return noisy_images(clean, left, torch.full((len(noisy),), kept_then, device=noisy.device))
