"""Few parameters: temperatures, or gains of norms, alone learn in the real model; nothing else of it changes."""

import shutil

import torch
from transformers import PreTrainedModel

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e4_temperatures.tempering_trials import PARTS
from headscope.interp.experiments.e9_real_model.held_out_text import PATTERN, written_documents
from headscope.interp.experiments.e9_real_model.model_folder import real_model_folder
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.checkpoints import open_folder
from headscope.models.fitting.history import Record
from headscope.models.training.partial import Course, train_part
from headscope.models.training.tempered import temperature_parameters
from headscope.models.training.tempering import softmax_model

RATES = (1e-3, 3e-3)
SIDES = ("temperature_q", "temperature_v")


def measure_few_parameters(trial: Trial, size: RealModelSize, place: Place, watch: Watch) -> Numbers:
    """Losses before and after on the seed's held-out windows, and how large the learned temperatures became.

    The trained copy of the model is taken away when it has been measured: its numbers are kept.
    """
    learned, rate = str(trial.condition["learned"]), float(trial.condition["rate"])
    text = written_documents(trial.seed, size, place.shared / "texts" / f"seed {trial.seed}")
    data = {"source": "text", "path": str(text), "pattern": PATTERN}
    course = Course(
        data,
        size.steps,
        rate,
        batch=size.batch,
        context=size.context,
        seed=trial.seed,
        validation_windows=size.windows,
    )

    def show(record: Record) -> None:
        watch(f"training {trial.key}", record["step"], course.steps)

    folder = place.own / "model"
    result = train_part(softmax_model(real_model_folder()), PARTS[learned], course, folder, show)
    numbers = {**result.to_json(), "gained": result.loss_before - result.loss_after}
    if learned == "temperatures":
        numbers |= sizes_of_temperatures(open_folder(folder).model)
    shutil.rmtree(folder)
    return numbers


@torch.no_grad()
def sizes_of_temperatures(model: PreTrainedModel) -> Numbers:
    """By layer the norm of what was learned of queries' and of values' temperatures; all began near 0."""
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for name, item in temperature_parameters(model):
        if name.endswith(".weight"):
            found[next(side for side in SIDES if side in name)].append(float(item.norm()))
    return {f"{side}_norm": norms for side, norms in found.items()}
