"""What E6 measures of a diffusion model: its losses, its images beside real ones, and what the class gains."""

from dataclasses import replace

import torch

from headscope.interp.arms.by_budget import BUDGET
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.diffusion.frechet import frechet_distance
from headscope.interp.experiments.e6_diffusion.diffusion_models import (
    DiffusionSize,
    diffusion_rate_losses,
    diffusion_recipe,
)
from headscope.interp.experiments.e6_diffusion.digit_halves import half_digits, opened_diffusion_model
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.rate_losses import CLAIM_HALF, rate_numbers
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.models.data.images.ddim import sample
from headscope.models.data.images.denoising import denoising_validation_batch, losses_by_timestep, validation_timesteps
from headscope.models.data.images.digits import CLASSES, digits
from headscope.models.data.images.features import DigitClassifier, digit_classifier
from headscope.models.uvit.uvit import UViT

SHOWN = 20  # images of a trial that the results keep
GREYS = 16  # of a pixel, as many as the digits have


def measure(trial: Trial, size: DiffusionSize, place: Place, watch: Watch) -> Numbers:
    """Choose the model's rate, train to the trial's budget, read its losses, compare its images with real ones."""
    variant, budget = str(trial.condition["variant"]), int(trial.condition[BUDGET])
    choice = rate_numbers(diffusion_rate_losses(variant, size, place, watch))
    recipe = replace(diffusion_recipe(variant, budget, trial.seed, size), lr=choice["rate"])
    model = opened_diffusion_model(trained_once(recipe, place.own / TRAINED, watch, trial.key))
    labels = torch.arange(size.samples) % CLASSES
    sampled = sample(model, labels, seed=trial.seed, steps=size.sampling_steps, watch=watch)
    classifier = digit_classifier(place.shared / "digit_classifier.safetensors")
    return {
        **choice,
        **loss_numbers(model),
        **image_numbers(classifier, sampled.images, labels),
        "images": greys(sampled.images[:SHOWN]),
        **reference_numbers(classifier),
    }


def loss_numbers(model: UViT) -> Numbers:
    """The loss on the half of the held-out images that is judged, by timestep, and how much larger it is untold."""
    timesteps = model.config.timesteps
    shown = denoising_validation_batch(half_digits(CLAIM_HALF), timesteps)
    words = losses_by_timestep(model, shown, timesteps)
    untold = losses_by_timestep(
        model, {**shown, "label": torch.full_like(shown["label"], model.config.null_class)}, timesteps
    )
    gain = untold - words
    return {
        "loss": words.mean().item(),
        "timesteps": validation_timesteps(timesteps).tolist(),
        "loss_by_timestep": words.tolist(),
        "class_gain_by_timestep": gain.tolist(),
        "class_gain": gain.mean().item(),
    }


def image_numbers(classifier: DigitClassifier, images: torch.Tensor, labels: torch.Tensor) -> Numbers:
    """How far made images are from real ones as sets, and how many show the digit that was asked for."""
    features, real = classifier.features(images), digits()
    return {
        "frechet": frechet_distance(features, classifier.features(real.training.images)),
        "frechet_held_out": frechet_distance(features, classifier.features(real.validation.images)),
        "obeyed": float((classifier.classes(images) == labels).float().mean()),
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
