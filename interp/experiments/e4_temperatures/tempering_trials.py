"""Tempering in E4: temperatures alone learn in trained softmax models, and as many norm gains in their stead."""

from pathlib import Path

from headscope import interp
from headscope.interp.arms.trial import Level, Numbers, Place, Trial
from headscope.interp.experiments.e4_temperatures.temperature_sizes import LANGUAGE, TemperatureSize
from headscope.interp.experiments.e7_language.language_models import language_recipe
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.fitting.history import Record
from headscope.models.training.norm_gains import NORM_GAINS
from headscope.models.training.partial import Course, train_part
from headscope.models.training.tempering import softmax_model, temperature_part

CORPORA = {
    "stdlib": {"source": "stdlib"},
    "own source": {"source": "text", "path": str(Path(interp.__file__).parent), "pattern": "*.py"},
}
PARTS = {"temperatures": temperature_part({}), "norm gains": NORM_GAINS}
VARIANTS = {"temperatures": "selective", "norm gains": "softmax"}  # of the model in the end


def tempering_arms(size: TemperatureSize) -> list[dict[str, Level]]:
    """Every part at every rate."""
    return [
        {"variant": VARIANTS[learned], "task": "tempering", "learned": learned, "rate": rate}
        for learned in PARTS
        for rate in size.rates
    ]


def measure_tempering(trial: Trial, size: TemperatureSize, place: Place, watch: Watch) -> Numbers:
    """A trained softmax model learns the trial's part alone, from the same windows in the same order for every part."""
    learned, rate = str(trial.condition["learned"]), float(trial.condition["rate"])
    course = Course(CORPORA[size.corpus], size.tempering_steps, rate, batch=size.tempering_batch, seed=trial.seed)
    opened = softmax_model(trained_softmax(trial.seed, size, place, watch))

    def show(record: Record) -> None:
        watch(f"tempering {trial.key}", record["step"], course.steps)

    result = train_part(opened, PARTS[learned], course, place.own / "model", show)
    return {**result.to_json(), "gained": result.loss_before - result.loss_after}


def trained_softmax(seed: int, size: TemperatureSize, place: Place, watch: Watch) -> Path:
    """The folder of a seed's softmax model, which is trained first where it is not there yet."""
    recipe = language_recipe(Trial({"variant": "softmax"}, seed), LANGUAGE[size.language])
    return trained_once(recipe, place.shared / "tempered_language" / f"softmax-{seed}", watch)
