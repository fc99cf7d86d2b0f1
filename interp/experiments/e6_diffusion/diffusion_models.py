"""Diffusion models of E6: both at every budget, each a training of its own with a cosine that ends there."""

from dataclasses import dataclass, replace
from pathlib import Path

from headscope.interp.arms.by_budget import budget_trials
from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.e6_diffusion.digit_halves import half_denoising_loss
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.rate_losses import CHOICE_HALF, RateLosses, rate_losses
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

ARMS = {"softmax": "uvit", "cog": "uvic"}  # the shipped models whose recipes they share
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
SAVE_EVERY = 250


@dataclass(frozen=True)
class DiffusionSize:
    """Budgets in steps; rates to choose from and the steps of the trainings that choose; shape; images.

    batch: images of a step; samples: how many are made in the end, in sampling_steps.
    """

    budgets: tuple[int, ...]
    rates: tuple[float, ...]
    rate_steps: int
    d_model: int
    layers: int
    heads: int
    batch: int
    samples: int
    sampling_steps: int


SIZES = {
    "smoke": DiffusionSize((2, 4), (1e-3, 2e-3), 2, 16, 3, 2, batch=4, samples=20, sampling_steps=3),
    "default": DiffusionSize((250, 500, 1000, 2000), RATES, 500, 64, 7, 4, batch=48, samples=1000, sampling_steps=25),
    "full": DiffusionSize(
        (2500, 5000, 10_000, 20_000), RATES, 5000, 256, 13, 8, batch=128, samples=10_000, sampling_steps=100
    ),
}


def diffusion_trials(size: DiffusionSize, seeds: int) -> list[Trial]:
    """Both models at every budget with every seed."""
    return budget_trials(ARMS, size.budgets, seeds)


def diffusion_recipe(variant: str, steps: int, seed: int, size: DiffusionSize) -> Recipe:
    """The recipe of the shipped model of an attention, at another size, seed and number of steps."""
    shipped = read_recipe(HERE / ARMS[variant] / "recipe.toml")
    shape = {
        "hidden_size": size.d_model,
        "intermediate_size": 4 * size.d_model,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
    }
    return replace(
        shipped,
        model=shipped.model | shape,
        steps=steps,
        seed=seed,
        batch=size.batch,
        warmup=min(shipped.warmup, steps // 5),
        measure_every=steps,
        save_every=SAVE_EVERY,
    )


def diffusion_rate_losses(variant: str, size: DiffusionSize, place: Place, watch: Watch) -> RateLosses:
    """What a model ends at under every rate, on the half of the held-out images that chooses; one for all trials."""

    def loss_of(recipe: Recipe, folder: Path) -> float:
        return half_denoising_loss(trained_once(recipe, folder, watch, f"{variant} at {recipe.lr:g}"), CHOICE_HALF)

    recipe = diffusion_recipe(variant, size.rate_steps, OTHER_SEEDS, size)
    return rate_losses(recipe, size.rates, place.shared / "diffusion_rates" / variant, loss_of)
