"""Language models of E8: every variant of the table at one small size, on text that repeats spans."""

from dataclasses import dataclass
from pathlib import Path

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e7_language.language_models import documentation
from headscope.interp.experiments.engine.trained_once import widths
from headscope.models.attention import VARIANTS
from headscope.models.io.fields import Fields
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE

BASE = "softmax"  # what all others are held against
LR = 2e-3  # the rate of the shipped models
REPEATS = 0.5  # share of windows in which a span stands twice


@dataclass(frozen=True)
class MechanismSize:
    """Steps, how often a model is measured, its shape, the windows of a step, and which text.

    timed: rounds of steps in turn with softmax. variants: the arms, or all of the table where none is named. text:
    "stdlib", the source of Python's standard library, or "documentation", its language reference alone.
    """

    steps: int
    measure_every: int
    d_model: int
    layers: int
    heads: int
    vocabulary: int
    context: int
    batch: int
    timed: int
    variants: tuple[str, ...] = ()
    text: str = "stdlib"


SIZES = {
    "smoke": MechanismSize(
        steps=4,
        measure_every=2,
        d_model=16,
        layers=3,
        heads=2,
        vocabulary=300,
        context=32,
        batch=2,
        timed=1,
        variants=(BASE, "cog", "forgetting"),
        text="documentation",
    ),
    "default": MechanismSize(
        steps=1000, measure_every=125, d_model=64, layers=3, heads=2, vocabulary=512, context=128, batch=8, timed=7
    ),
    "full": MechanismSize(
        steps=20_000,
        measure_every=500,
        d_model=512,
        layers=12,
        heads=8,
        vocabulary=8192,
        context=512,
        batch=64,
        timed=7,
    ),
}


def mechanism_trials(size: MechanismSize, seeds: int) -> list[Trial]:
    """Every variant with every seed; a seed is finished before the next one begins."""
    return [Trial({"variant": name}, seed) for seed in range(seeds) for name in size.variants or VARIANTS]


def mechanism_recipe(trial: Trial, size: MechanismSize) -> Recipe:
    """The recipe of a trial: the same for every variant but for its attention.

    The rate is constant after the warm-up, so that the loss at every step is that of a training that ends there.
    """
    fields = {
        "model_type": "llama",
        **widths(size.d_model, size.layers, size.heads),
        "max_position_embeddings": size.context,
        "initializer_range": size.d_model**-0.5,
        "tie_word_embeddings": False,
    }
    text = {"source": "stdlib"} if size.text == "stdlib" else documentation()
    return Recipe(
        model=fields,
        data={**text, "vocabulary": size.vocabulary, "context": size.context, "repeats": REPEATS},
        attention=attention_fields(str(trial.condition["variant"])),
        steps=size.steps,
        batch=size.batch,
        seed=trial.seed,
        lr=LR,
        warmup=min(50, size.steps // 5),
        schedule="constant",
        measure_every=size.measure_every,
        snapshots=0,
    )


def attention_fields(variant: str) -> Fields:
    """Placement and options of a variant: those of the shipped model of its name, else its defaults in all layers."""
    path: Path = HERE / variant / "recipe.toml"
    return read_recipe(path).attention if path.is_file() else {"variant": variant}
