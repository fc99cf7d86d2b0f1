"""Language models that several experiments use: one per variant and seed, trained once per size."""

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once, widths
from headscope.models.io.fields import Fields
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

ARMS = ("softmax", "cog", "expressive", "selective", "polynomial")


@dataclass(frozen=True)
class LanguageSize:
    """Steps and shape of the models, the windows of a step, the tokens of a window, and which text.

    text: "stdlib", the source of Python's standard library, or "documentation", its language reference alone.
    """

    steps: int
    d_model: int
    layers: int
    heads: int
    vocabulary: int
    context: int
    batch: int
    text: str = "stdlib"


SIZES = {
    "smoke": LanguageSize(
        steps=4, d_model=16, layers=3, heads=2, vocabulary=300, context=128, batch=2, text="documentation"
    ),
    "default": LanguageSize(steps=500, d_model=128, layers=6, heads=4, vocabulary=2048, context=256, batch=16),
    "full": LanguageSize(steps=10_000, d_model=512, layers=12, heads=8, vocabulary=8192, context=1024, batch=32),
}


def language_trials(size: LanguageSize, seeds: int) -> list[Trial]:
    """Every variant with every seed."""
    return [Trial({"variant": variant}, seed) for seed in range(seeds) for variant in ARMS]


def language_recipe(trial: Trial, size: LanguageSize) -> Recipe:
    """The recipe of the shipped model of the trial's variant, at another size and seed."""
    shipped = read_recipe(HERE / str(trial.condition["variant"]) / "recipe.toml")
    shape = {
        **widths(size.d_model, size.layers, size.heads),
        "max_position_embeddings": size.context,
    }
    tokens = {"vocabulary": size.vocabulary, "context": size.context}
    return replace(
        shipped,
        model=shipped.model | shape,
        steps=size.steps,
        seed=trial.seed,
        batch=size.batch,
        snapshots=0,
        warmup=min(shipped.warmup, size.steps // 5),
        data=(shipped.data if size.text == "stdlib" else documentation()) | tokens,
    )


def documentation() -> Fields:
    """The data of Python's language reference, half a megabyte that every Python has."""
    [place] = import_module("pydoc_data").__path__
    return {"source": "text", "path": str(Path(place) / "topics.py")}


def language_model(trial: Trial, size: LanguageSize, place: Place, watch: Watch) -> Path:
    """The folder of the trial's trained model; what was trained before is taken as it is."""
    return trained_once(language_recipe(trial, size), place.shared / "language" / trial.key, watch)
