"""Sequence models: trained on questions about ones and zeros, one per variant and seed."""

from dataclasses import dataclass
from pathlib import Path

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once, widths
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

ARMS = ("softmax", "cog")
QUESTION = 16  # at least as many tokens as a question has, with what begins and ends a text
LR, WARMUP = 2e-3, 100  # of the shipped models


@dataclass(frozen=True)
class SequenceSize:
    """Steps and shape of the models, texts to train on with at most `longest` digits, and what is asked of them.

    questions: of each kind. points: lengths n of a curve. answered: sequences per question that are to be answered.
    """

    steps: int
    d_model: int
    layers: int
    heads: int
    batch: int
    texts: int
    longest: int
    questions: int
    points: int
    answered: int


SIZES = {
    "smoke": SequenceSize(
        steps=4, d_model=16, layers=3, heads=2, batch=4, texts=300, longest=20, questions=2, points=3, answered=2
    ),
    "default": SequenceSize(
        steps=2500,
        d_model=64,
        layers=4,
        heads=4,
        batch=32,
        texts=40_000,
        longest=112,
        questions=24,
        points=12,
        answered=8,
    ),
    "full": SequenceSize(
        steps=20_000,
        d_model=256,
        layers=8,
        heads=8,
        batch=64,
        texts=200_000,
        longest=1008,
        questions=24,
        points=16,
        answered=32,
    ),
}


def sequence_trials(size: SequenceSize, seeds: int) -> list[Trial]:
    """Every variant with every seed."""
    return [Trial({"variant": variant}, seed) for seed in range(seeds) for variant in ARMS]


def sequence_recipe(trial: Trial, size: SequenceSize) -> Recipe:
    """The same for both variants but for the attention, whose placement is that of the shipped model of its name."""
    context = size.longest + QUESTION
    shape = {
        "model_type": "llama",
        **widths(size.d_model, size.layers, size.heads),
        "max_position_embeddings": context,
        "initializer_range": size.d_model**-0.5,
        "tie_word_embeddings": False,
    }
    text = {"source": "ones_and_zeros", "texts": size.texts, "longest": size.longest, "windows": "documents"}
    return Recipe(
        model=shape,
        data={**text, "context": context, "vocabulary": size.longest + 64},
        attention=read_recipe(HERE / str(trial.condition["variant"]) / "recipe.toml").attention,
        steps=size.steps,
        batch=size.batch,
        seed=trial.seed,
        lr=LR,
        warmup=min(WARMUP, size.steps // 5),
        snapshots=0,
    )


def sequence_model(trial: Trial, size: SequenceSize, place: Place, watch: Watch) -> Path:
    """The folder of the trial's trained model; what was trained before is taken as it is."""
    return trained_once(sequence_recipe(trial, size), place.own / TRAINED, watch, trial.key)
