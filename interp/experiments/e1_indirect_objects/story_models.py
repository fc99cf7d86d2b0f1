"""Models of stories: trained on texts of indirect objects, one per variant and seed."""

from dataclasses import dataclass, replace
from pathlib import Path

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once, widths
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

STORIES = "ioi-softmax"  # the shipped model whose recipe they share


@dataclass(frozen=True)
class StorySize:
    """The variants, steps and shape of the models, texts to train on, and how many prompts they are asked.

    prompts: of all templates, for accuracy. alike: of one template, for the circuits.
    """

    variants: tuple[str, ...]
    steps: int
    d_model: int
    layers: int
    heads: int
    batch: int
    texts: int
    prompts: int
    alike: int


PAIR = ("softmax", "cog")
ARMS = ("softmax", "cog", "expressive", "selective", "polynomial")
SIZES = {
    "smoke": StorySize(PAIR, steps=4, d_model=16, layers=3, heads=2, batch=2, texts=500, prompts=8, alike=4),
    "default": StorySize(
        PAIR, steps=4500, d_model=128, layers=4, heads=4, batch=24, texts=120_000, prompts=200, alike=64
    ),
    "full": StorySize(
        ARMS, steps=20_000, d_model=256, layers=8, heads=8, batch=64, texts=200_000, prompts=500, alike=128
    ),
}


def story_trials(size: StorySize, seeds: int) -> list[Trial]:
    """Every variant of the size with every seed."""
    return [Trial({"variant": variant}, seed) for seed in range(seeds) for variant in size.variants]


def story_recipe(trial: Trial, size: StorySize) -> Recipe:
    """The recipe of the shipped softmax model of stories, with the attention of the trial's variant."""
    shipped = read_recipe(HERE / STORIES / "recipe.toml")
    attention = read_recipe(HERE / str(trial.condition["variant"]) / "recipe.toml").attention
    shape = {
        **widths(size.d_model, size.layers, size.heads),
        "initializer_range": size.d_model**-0.5,
    }
    return replace(
        shipped,
        model=shipped.model | shape,
        attention=attention,
        data=shipped.data | {"texts": size.texts},
        steps=size.steps,
        seed=trial.seed,
        batch=size.batch,
        warmup=min(shipped.warmup, size.steps // 5),
    )


def story_model(trial: Trial, size: StorySize, place: Place, watch: Watch) -> Path:
    """The folder of the trial's trained model; what was trained before is taken as it is."""
    return trained_once(story_recipe(trial, size), place.shared / "indirect_objects" / trial.key, watch)
