"""Diffusion models that experiments use: one per attention and seed, trained once per size."""

from dataclasses import dataclass, replace
from pathlib import Path

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

ARMS = {"softmax": "uvit", "cog": "uvic"}  # the shipped models whose recipes they share


@dataclass(frozen=True)
class DiffusionSize:
    """Steps and shape of the models, the images of a step; how many images are made in the end, in how many steps."""

    steps: int
    d_model: int
    layers: int
    heads: int
    batch: int
    samples: int
    sampling_steps: int


SIZES = {
    "smoke": DiffusionSize(steps=4, d_model=16, layers=3, heads=2, batch=4, samples=20, sampling_steps=3),
    "default": DiffusionSize(steps=2500, d_model=64, layers=7, heads=4, batch=64, samples=1000, sampling_steps=50),
    "full": DiffusionSize(steps=20_000, d_model=256, layers=13, heads=8, batch=128, samples=10_000, sampling_steps=100),
}


def diffusion_trials(size: DiffusionSize, seeds: int) -> list[Trial]:
    """Both models with every seed."""
    return [Trial({"variant": variant}, seed) for seed in range(seeds) for variant in ARMS]


def diffusion_recipe(trial: Trial, size: DiffusionSize) -> Recipe:
    """The recipe of the shipped model of the trial's attention, at another size and seed."""
    shipped = read_recipe(HERE / ARMS[str(trial.condition["variant"])] / "recipe.toml")
    shape = {
        "hidden_size": size.d_model,
        "intermediate_size": 4 * size.d_model,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
    }
    return replace(
        shipped,
        model=shipped.model | shape,
        steps=size.steps,
        seed=trial.seed,
        batch=size.batch,
        warmup=min(shipped.warmup, size.steps // 5),
        measure_every=(every := max(1, size.steps // 10)),
        save_every=every,
    )


def diffusion_model(trial: Trial, size: DiffusionSize, place: Place, watch: Watch) -> Path:
    """The folder of the trial's trained model; what was trained before is taken as it is."""
    return trained_once(diffusion_recipe(trial, size), place.shared / "diffusion" / trial.key, watch)
