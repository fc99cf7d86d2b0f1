"""Halves of the held-out digits: by the first the rates are chosen, by the second the claims are judged."""

from pathlib import Path
from typing import Any

import torch

from headscope.models.checkpoints import open_folder
from headscope.models.data.images.denoising import denoising_validation_batch, losses_by_timestep
from headscope.models.data.images.digits import LabelledImages, digits, image_subset
from headscope.models.fitting.fit import accelerator_of


def half_digits(half: int) -> LabelledImages:
    """A half of the held-out images, 180 of them."""
    whole = digits().validation
    return image_subset(whole, torch.arange(len(whole)).tensor_split(2)[half])


def opened_diffusion_model(folder: Path) -> Any:
    """The model of a folder, where it is fastest."""
    return open_folder(folder).model.to(accelerator_of("float32").device)


def half_denoising_loss(folder: Path, half: int) -> float:
    """The denoising loss of a trained model on a half of the held-out images, each at ten timesteps."""
    model = opened_diffusion_model(folder)
    timesteps = model.config.timesteps
    return float(losses_by_timestep(model, denoising_validation_batch(half_digits(half), timesteps), timesteps).mean())
