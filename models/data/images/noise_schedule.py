"""The noise schedule: how much of an image is left at every timestep (Ho et al. 2020; Nichol & Dhariwal 2021)."""

import math
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

OFFSET, MOST = 0.008, 0.999  # of Nichol & Dhariwal 2021, arXiv 2102.09672, eq. 17
Images = Float[Tensor, "batch channel row column"]


@cache
def kept_signal(timesteps: int) -> Float[Tensor, "timestep"]:
    """ᾱ at timesteps 0 (almost the image) to the last (almost noise): the cosine schedule. Do not write to it."""

    def angle(t: int) -> float:
        return math.cos((t / timesteps + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2

    beta = [min(1 - angle(t + 1) / angle(t), MOST) for t in range(timesteps)]
    return (1 - torch.tensor(beta, dtype=torch.float64)).cumprod(0).float()


def noisy_images(clean: Images, noise: Images, kept: Float[Tensor, "batch"]) -> Images:
    """√ᾱ · image + √(1 − ᾱ) · noise: of unit variance where both are."""
    signal = kept[:, None, None, None]
    return signal.sqrt() * clean + (1 - signal).sqrt() * noise


def kept_signal_at(timestep: Int[Tensor, "batch"], timesteps: int) -> Float[Tensor, "batch"]:
    """ᾱ of every image of a batch."""
    return kept_signal(timesteps).to(timestep.device)[timestep]
