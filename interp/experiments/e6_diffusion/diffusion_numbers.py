"""What E6 measures of a diffusion model: its losses, its images beside real ones, and what the class gains."""

from typing import Any

import torch

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.diffusion.frechet import frechet_distance
from headscope.interp.experiments.e6_diffusion.diffusion_models import DiffusionSize, diffusion_model
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.checkpoints import open_folder
from headscope.models.data.images.ddim import sample
from headscope.models.data.images.denoising import denoising_validation_batch, losses_by_timestep, validation_timesteps
from headscope.models.data.images.digits import CLASSES, digits
from headscope.models.data.images.features import DigitClassifier, digit_classifier
from headscope.models.fitting.fit import accelerator_of
from headscope.models.fitting.history import read_history
from headscope.models.uvit.uvit import UViT

SHOWN = 20  # images of a trial that the results keep
GREYS = 16  # of a pixel, as many as the digits have


def measure(trial: Trial, size: DiffusionSize, place: Place, watch: Watch) -> Numbers:
    """Train, read the losses, make images and compare them with the real ones."""
    folder = diffusion_model(trial, size, place, watch)
    model: Any = open_folder(folder).model.to(accelerator_of("float32").device)
    validated = [record for record in read_history(folder / "history.jsonl") if "validation_loss" in record]
    labels = torch.arange(size.samples) % CLASSES
    sampled = sample(model, labels, seed=trial.seed, steps=size.sampling_steps, watch=watch)
    classifier, real = digit_classifier(place.shared / "digit_classifier.safetensors"), digits()
    features = classifier.features(sampled.images)
    return {
        "validation_loss": validated[-1]["validation_loss"],
        "steps": [record["step"] for record in validated],
        "losses": [record["validation_loss"] for record in validated],
        **loss_numbers(model),
        "frechet": frechet_distance(features, classifier.features(real.training.images)),
        "frechet_held_out": frechet_distance(features, classifier.features(real.validation.images)),
        "obeyed": float((classifier.classes(sampled.images) == labels).float().mean()),
        "images": greys(sampled.images[:SHOWN]),
        **reference_numbers(classifier),
    }


def loss_numbers(model: UViT) -> Numbers:
    """By timestep: the loss on held-out images, and by how much it is larger where the class is not told."""
    timesteps = model.config.timesteps
    shown = denoising_validation_batch(digits().validation, timesteps)
    words = losses_by_timestep(model, shown, timesteps)
    untold = losses_by_timestep(
        model, {**shown, "label": torch.full_like(shown["label"], model.config.null_class)}, timesteps
    )
    gain = untold - words
    return {
        "timesteps": validation_timesteps(timesteps).tolist(),
        "loss_by_timestep": words.tolist(),
        "class_gain_by_timestep": gain.tolist(),
        "class_gain": gain.mean().item(),
    }


def greys(images: torch.Tensor) -> list[list[int]]:
    """Images as whole numbers, from 0 (paper) to 16 (ink), pixel by pixel."""
    return ((images.flatten(1) + 1) / 2 * GREYS).round().int().tolist()


def reference_numbers(classifier: DigitClassifier) -> Numbers:
    """How far apart two halves of the real digits are, training and held-out ones, and noise and real ones; how often
    real digits are read."""
    data, dice = digits(), torch.Generator().manual_seed(0)
    real = torch.cat([data.training.images, data.validation.images])
    item, other = real[torch.randperm(len(real), generator=dice)].tensor_split(2)
    noise = torch.randn(data.training.images.shape, generator=dice).clamp(-1, 1)
    read = classifier.classes(data.validation.images) == data.validation.labels
    sets = {"one": item, "other": other, "noise": noise, "training": data.training.images}
    features = {name: classifier.features(images) for name, images in sets.items()}
    held_out = classifier.features(data.validation.images)
    return {
        "frechet_floor": frechet_distance(features["one"], features["other"]),
        "frechet_held_out_floor": frechet_distance(features["training"], held_out),
        "frechet_noise": frechet_distance(features["noise"], features["training"]),
        "classifier_accuracy": float(read.float().mean()),
    }
