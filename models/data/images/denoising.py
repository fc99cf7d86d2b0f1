"""Denoising: the objective of a diffusion model, to tell the noise in an image (Ho et al. 2020, arXiv 2006.11239)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from headscope.models.data.images.digits import CLASSES, Digits, LabelledImages, digit_fields, digits
from headscope.models.data.images.noise_schedule import kept_signal_at, noisy_images
from headscope.models.data.material import Material
from headscope.models.fitting.fit import step_seed
from headscope.models.fitting.objective import Batch, Objective
from headscope.models.hosts.execution_device import execution_device

if TYPE_CHECKING:
    from accelerate import Accelerator

FREE = 0.1  # share of images that are shown without their class
VALIDATION_SEED = 12_345
SEEN_AT = 10  # timesteps, evenly spread, at which every held-out image is looked at


@dataclass(frozen=True)
class NoisyDigits:
    """Scikit-learn's handwritten digits under noise of so many timesteps."""

    timesteps: int = 1000


def noisy_digits_material(data: NoisyDigits, batch: int, seed: int) -> Material:
    """`batch` images in a step."""
    objective = denoising_objective(digits(), timesteps=data.timesteps, batch=batch, seed=seed)
    return Material(objective, {**digit_fields(), "timesteps": data.timesteps})


def denoising_objective(data: Digits, *, timesteps: int, batch: int, seed: int) -> Objective:
    """Random training images at random timesteps; measured on all held-out images at ten timesteps each."""
    held_out = denoising_validation_batch(data.validation, timesteps)

    def measure(accelerator: "Accelerator", model: nn.Module) -> dict[str, float]:
        return {"validation_loss": float(losses_by_timestep(model, held_out, timesteps).mean())}

    return Objective(
        lambda step: denoising_training_batch(data.training, timesteps=timesteps, batch=batch, seed=seed, step=step),
        lambda model, shown: denoising_loss(model, shown, timesteps),
        measure,
        unit="images",
        per_step=batch,
    )


def denoising_training_batch(data: LabelledImages, *, timesteps: int, batch: int, seed: int, step: int) -> Batch:
    """Images, labels (some of the null class), timesteps and noise: a pure function of seed and step."""
    dice = torch.Generator().manual_seed(step_seed(seed, step, 0))
    chosen = torch.randint(len(data), (batch,), generator=dice)
    free = torch.rand(batch, generator=dice) < FREE
    images = data.images[chosen]
    return {
        "images": images,
        "label": data.labels[chosen].masked_fill(free, CLASSES),
        "timestep": torch.randint(timesteps, (batch,), generator=dice),
        "noise": torch.randn(images.shape, generator=dice),
    }


def denoising_validation_batch(data: LabelledImages, timesteps: int) -> Batch:
    """Every held-out image with its label at SEEN_AT timesteps, with noise that is always the same."""
    dice = torch.Generator().manual_seed(VALIDATION_SEED)
    images = data.images.repeat_interleave(SEEN_AT, 0)
    return {
        "images": images,
        "label": data.labels.repeat_interleave(SEEN_AT),
        "timestep": validation_timesteps(timesteps).repeat(len(data)),
        "noise": torch.randn(images.shape, generator=dice),
    }


def validation_timesteps(timesteps: int) -> Int[Tensor, "seen_at"]:
    """The middles of SEEN_AT equal parts of all timesteps."""
    return ((torch.arange(SEEN_AT) + 0.5) * timesteps / SEEN_AT).long()


def denoising_loss(model: nn.Module, shown: Batch, timesteps: int) -> Float[Tensor, ""]:
    """Mean squared error of the noise."""
    noisy = noisy_images(shown["images"], shown["noise"], kept_signal_at(shown["timestep"], timesteps))
    return mse_loss(model(noisy, shown["timestep"], shown["label"]).noise, shown["noise"])


@torch.no_grad()
def losses_by_timestep(model: nn.Module, shown: Batch, timesteps: int) -> Float[Tensor, "seen_at"]:
    """The mean squared error at every timestep of `validation_batch`; the model is in eval mode."""
    device = execution_device(model)
    result = []
    for at in range(SEEN_AT):
        part = {name: item[at::SEEN_AT].to(device) for name, item in shown.items()}
        result.append(denoising_loss(model, part, timesteps))
    return torch.stack(result).cpu()
