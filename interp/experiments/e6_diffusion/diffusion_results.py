"""What is drawn of E6: distances and losses against compute, the sweep of rates, what the class gains, and images."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from headscope.interp.arms.arms import arm_curves, arm_numbers, arms, sample_curves
from headscope.interp.arms.by_budget import at_largest_budget, budgets_of, samples_by_budget
from headscope.interp.arms.outcome import Outcome
from headscope.interp.diffusion.image_grid import ImageGrid, image_grid
from headscope.interp.experiments.e6_diffusion.diffusion_numbers import GREYS
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.images.digits import CLASSES

SOURCE = "Lv et al. 2024 (2411.07176), U-ViC; Bao et al. 2022 (2209.12152), U-ViT"
NAMES = {"softmax": "U-ViT", "cog": "U-ViC"}
DISTANCE = About(
    title="Fréchet distance of made images to the training digits",
    unit="squared units of feature space",
    law="‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) of 32 features of a classifier that is trained once",
    source="Heusel et al. 2017 (1706.08500), with a small classifier of the digits for Inception",
    plain="How far the made images are from real ones as sets; lower is better. The floor is what two halves of the "
    "real images are apart, the dashed line.",
)
HELD_OUT = replace(
    DISTANCE,
    title="Fréchet distance of made images to held-out digits",
    plain="The same to the 360 real images that no model was trained on: few, so that the distance is larger for all. "
    "The dashed line is how far the training digits are from them.",
)
OBEYED = About(
    title="Made images that show the digit that was asked for",
    unit="share",
    law="share of made images whose likeliest class is their label",
    source="headscope",
    plain="How often a classifier reads the digit that the model was told to draw.",
)
LOSS = About(
    title="Denoising loss on held-out digits",
    unit="squared error of unit noise",
    law="mean of (ε̂ − ε)² over half of the held-out images at ten timesteps",
    source="Ho et al. 2020 (2006.11239)",
    plain="How well the model tells the noise in images that it has not seen; lower is better.",
)
GAIN = About(
    title="What it gains to be told the class",
    unit=LOSS.unit,
    law="denoising loss of held-out images without their class less that with it, at ten timesteps",
    source="headscope",
    plain="How much of its task a model solves by the digit that it is told; at 0 it does not read it.",
)
POINT = "Every point is a training of its own, whose rate falls to 0 there."
BY_BUDGET = {
    "frechet": replace(DISTANCE, title=f"{DISTANCE.title}, by budget", plain=f"Lower is better. {POINT}"),
    "loss": replace(LOSS, title=f"{LOSS.title}, by budget", plain=f"{LOSS.plain} {POINT}"),
    "obeyed": replace(OBEYED, title=f"{OBEYED.title}, by budget", plain=f"{OBEYED.plain} {POINT}"),
}
BY_RATE = replace(
    LOSS,
    title="Loss by rate, on another seed",
    law="the same mean over the other half of the held-out images, of a training of one budget and a seed that no "
    "trial has",
    plain="By what each model's rate was chosen: the lowest point of its curve; a gap is a training that diverged.",
)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Numbers by budget, losses by rate, all at the largest budget, and its images of the first seed."""
    by_model, in_the_end = (named_models(part) for part in (outcome, at_largest_budget(outcome)))
    rates = arm_curves(by_model, "rate_losses", outcome.first("rates"), BY_RATE, "rate", log_x=True)
    images = {f"images_{name}": images_of(name, part) for name, part in in_the_end.items() if part.finished}
    by_budget = results_by_budget(by_model, budgets_of(outcome)) | {"loss_by_rate": rates}
    return by_budget | results_in_the_end(in_the_end, outcome) | images


def named_models(outcome: Outcome) -> dict[str, Outcome]:
    """The trials of each model, by its name."""
    return {NAMES[variant]: part for variant, part in arms(outcome, "variant").items()}


def results_by_budget(by_model: Mapping[str, Outcome], budgets: list[int]) -> dict[str, Result]:
    """What each model reaches in so many steps."""
    return {
        f"{number}_by_budget": sample_curves(samples_by_budget(by_model, number), budgets, about, "steps", log_x=True)
        for number, about in BY_BUDGET.items()
    }


def results_in_the_end(by_model: Mapping[str, Outcome], outcome: Outcome) -> dict[str, Result]:
    """What each model does at the largest budget."""
    floor, held_out, read, timesteps = map(
        outcome.first, ("frechet_floor", "frechet_held_out_floor", "classifier_accuracy", "timesteps")
    )
    by_timestep = replace(LOSS, title=f"{LOSS.title} by timestep")
    return {
        "frechet": arm_numbers(by_model, "frechet", DISTANCE, floor, "two real halves"),
        "frechet_held_out": arm_numbers(by_model, "frechet_held_out", HELD_OUT, held_out, "training digits"),
        "obeyed": arm_numbers(by_model, "obeyed", OBEYED, read, "real digits"),
        "loss": arm_numbers(by_model, "loss", LOSS),
        "loss_by_timestep": arm_curves(by_model, "loss_by_timestep", timesteps, by_timestep, "timestep"),
        "class_gain": arm_curves(by_model, "class_gain_by_timestep", timesteps, GAIN, "timestep"),
    }


def images_of(name: str, part: Outcome) -> ImageGrid:
    """The kept images of a model's first seed."""
    images = torch.tensor(part.first("images")).unflatten(1, (1, 8, 8)) / GREYS * 2 - 1
    labels = tuple(str(number % CLASSES) for number in range(len(images)))
    return image_grid(images, labels, f"Images of {name}, seed {part.finished[0].trial.seed}")
