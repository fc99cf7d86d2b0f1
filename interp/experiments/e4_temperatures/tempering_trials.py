"""Tempering in E4: temperatures alone learn in trained softmax models, and as many norm gains in their stead."""

from pathlib import Path

from headscope import interp
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e4_temperatures.temperature_sizes import SIZES, TemperatureSize
from headscope.interp.experiments.e7_language import language_models
from headscope.interp.experiments.e7_language.language_models import LanguageSize, language_model
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.fitting.history import Record
from headscope.models.hooked.loading import place_of
from headscope.models.training.norm_gains import NORM_GAINS
from headscope.models.training.partial import Course, train_part
from headscope.models.training.tempering import softmax_model, temperature_part

CORPORA = {
    "stdlib": {"source": "stdlib"},
    "own source": {"source": "text", "path": str(Path(interp.__file__).parent), "pattern": "*.py"},
}
# Language models of the size of the same name.
LANGUAGE: dict[TemperatureSize, LanguageSize] = {item: language_models.SIZES[name] for name, item in SIZES.items()}
RATE = 1e-2  # that of models as small as these
PARTS = {"temperatures": temperature_part({}), "norm gains": NORM_GAINS}
# variant: of the model in the end. model: the shipped one, or a language model of the trial's own seed.
ARMS: list[dict[str, str]] = [
    {"variant": "selective", "task": "tempering", "learned": "temperatures", "model": "shipped"},
    {"variant": "selective", "task": "tempering", "learned": "temperatures", "model": "own"},
    {"variant": "softmax", "task": "tempering", "learned": "norm gains", "model": "own"},
]


def measure_tempering(trial: Trial, size: TemperatureSize, place: Place, watch: Watch) -> Numbers:
    """A trained softmax model learns the trial's part alone, from the same windows in the same order for every part."""
    course = Course(CORPORA[size.corpus], size.tempering_steps, RATE, batch=size.tempering_batch, seed=trial.seed)
    opened, part = (
        softmax_model(trained_model_folder(trial, size, place, watch)),
        PARTS[str(trial.condition["learned"])],
    )

    def show(record: Record) -> None:
        watch(f"tempering {trial.key}", record["step"], course.steps)

    result = train_part(opened, part, course, place.own / "model", show)
    return {**result.to_json(), "gained": result.loss_before - result.loss_after}


def trained_model_folder(trial: Trial, size: TemperatureSize, place: Place, watch: Watch) -> Path:
    """The folder of the trained model, which is trained first where it is not shipped and not there yet."""
    if trial.condition["model"] == "shipped":
        return place_of("softmax")
    return language_model(Trial({"variant": "softmax"}, trial.seed), LANGUAGE[size], place, watch)
