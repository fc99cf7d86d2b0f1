"""E6: a diffusion transformer with Cog attention (U-ViC) makes better images than one with softmax (U-ViT)."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from headscope.interp.arms.arms import arm_curves, arm_numbers, arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    mean_with_spread,
    measurable_answer,
    noninferiority_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.diffusion.image_grid import ImageGrid, image_grid
from headscope.interp.experiments.e6_diffusion.diffusion_models import ARMS, SIZES, diffusion_trials
from headscope.interp.experiments.e6_diffusion.diffusion_numbers import GREYS, measure
from headscope.interp.experiments.engine.experiment import Experiment
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.images.digits import CLASSES

SOURCE = "Lv et al. 2024 (2411.07176), U-ViC; Bao et al. 2022 (2209.12152), U-ViT"
MARGIN = 0.02  # of the loss
# The margin of the distance is the one between two halves of the real images.
DRAWN = Floor(0.5, "1 − distance / distance of noise", "below it images are nearer to noise than to digits")
NAMES: dict[str, str] = dict(zip(ARMS, ("U-ViT", "U-ViC"), strict=True))
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
    law="mean of (ε̂ − ε)² over held-out images at ten timesteps",
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


def judge(outcome: Outcome) -> list[Verdict]:
    """U-ViC's images are nearer to the real ones, and its loss is not higher."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    floor, noise = (np.nanmean(outcome.sample(name)) for name in ("frechet_floor", "frechet_noise"))
    near, far = cog.sample("frechet"), softmax.sample("frechet")
    loss, other = cog.sample("validation_loss"), softmax.sample("validation_loss")
    halves = Margin(float(floor), "the distance of two halves of the real images")
    nearer = measurable_answer(superiority_answer(far, near, halves), [1 - near / noise, 1 - far / noise], DRAWN)
    margin = MARGIN * float(other.mean())
    curves = softmax.sample("losses"), cog.sample("losses")
    lower = budget_answer(
        noninferiority_answer(other, loss, margin), lead_by_steps(outcome.first("steps"), *curves, -margin)
    )
    return [
        Verdict(
            "Images of U-ViC have a smaller Fréchet distance to real ones than those of U-ViT",
            "lower FID, on larger images",
            f"{pair_with_spread(near, far)} "
            f"(two real halves: {floor:.3g}, noise: {noise:.3g}); "
            f"to held-out ones {mean_with_spread(cog.sample('frechet_held_out'))} against "
            f"{mean_with_spread(softmax.sample('frechet_held_out'))}",
            nearer,
            "U-ViC's images nearer",
        ),
        Verdict(
            f"U-ViC's denoising loss on held-out images is at most {MARGIN:.0%} above U-ViT's",
            "—",
            pair_with_spread(loss, other, digits=4),
            lower,
            "U-ViC's loss as low",
        ),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Distances, obedience, losses over training and by timestep, what the class gains, images of the first seed."""
    result = {NAMES[variant]: part for variant, part in arms(outcome, "variant").items()}
    floor, held_out, read = (
        outcome.first(name) for name in ("frechet_floor", "frechet_held_out_floor", "classifier_accuracy")
    )
    steps, timesteps = outcome.first("steps"), outcome.first("timesteps")
    drawn: dict[str, Result] = {
        "frechet": arm_numbers(result, "frechet", DISTANCE, floor, "two real halves"),
        "frechet_held_out": arm_numbers(result, "frechet_held_out", HELD_OUT, held_out, "training digits"),
        "obeyed": arm_numbers(result, "obeyed", OBEYED, read, "real digits"),
        "loss": arm_numbers(result, "validation_loss", LOSS),
        "loss_by_step": arm_curves(result, "losses", steps, replace(LOSS, title=f"{LOSS.title} by step"), "step"),
        "loss_by_timestep": arm_curves(
            result, "loss_by_timestep", timesteps, replace(LOSS, title=f"{LOSS.title} by timestep"), "timestep"
        ),
        "class_gain": arm_curves(result, "class_gain_by_timestep", timesteps, GAIN, "timestep"),
    }
    return drawn | {f"images_{name}": images_of(name, part) for name, part in result.items() if part.finished}


def images_of(name: str, part: Outcome) -> ImageGrid:
    """The kept images of an arm's first seed."""
    images = torch.tensor(part.first("images")).unflatten(1, (1, 8, 8)) / GREYS * 2 - 1
    labels = tuple(str(number % CLASSES) for number in range(len(images)))
    return image_grid(images, labels, f"Images of {name}, seed {part.finished[0].trial.seed}")


EXPERIMENT = Experiment(
    name="E6",
    title="Does a diffusion transformer with Cog attention make better images?",
    source=SOURCE,
    sizes=SIZES,
    trials=diffusion_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Scikit-learn's 8 × 8 digits, 1 437 for training, 360 held out. Both models are U-ViTs of one recipe; U-ViC "
    "has Cog attention in all blocks but the first and the last, which stay softmax, as in the paper. Cosine noise "
    "schedule of 1 000 timesteps, labels dropped from a tenth of the images, deterministic DDIM without guidance, the "
    "weights of the last step (U-ViT's paper averages them). Features are those of a small classifier of the training "
    "digits: the distances compare with one another, not with published FIDs; they are judged against the training "
    "images, and told against the 360 held-out ones. Neither sees which digit was asked for: whether a model "
    "listens is told by the share that shows it and by what the class gains; short of steps, it may not yet. Both are "
    "compared after equal steps, not at their best. Nothing was tuned for either model.",
)
