"""Diffusion models that experiments use: one per attention and seed, trained once per size."""

from dataclasses import dataclass
from pathlib import Path

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.fitting.history import Record
from headscope.models.training.diffusion_recipe import DiffusionRecipe
from headscope.models.training.diffusion_train import train

ARMS = ("softmax", "cog")  # U-ViT and U-ViC


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


def diffusion_recipe(trial: Trial, size: DiffusionSize) -> DiffusionRecipe:
    """The recipe of a trial: the same for both models but for the attention."""
    shape = {"d_model": size.d_model, "layers": size.layers, "heads": size.heads}
    long = {"steps": size.steps, "batch": size.batch, "warmup": min(100, size.steps // 5)}
    return DiffusionRecipe(str(trial.condition["variant"]), **shape, **long, seed=trial.seed)


def diffusion_model(trial: Trial, size: DiffusionSize, place: Place, watch: Watch) -> Path:
    """The folder of the trial's trained model; what was trained before is taken as it is."""

    def show(record: Record) -> None:
        watch(f"training {trial.key}", record["step"], size.steps)

    return train(diffusion_recipe(trial, size), place.shared / "diffusion" / trial.key, show)
