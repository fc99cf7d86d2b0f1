"""Trials of E9: few parameters that learn, what heads do, prompts that grow, and weights that are flipped."""

from headscope.interp.arms.trial import Level, Numbers, Place, Trial
from headscope.interp.experiments.e4_temperatures.tempering_trials import PARTS
from headscope.interp.experiments.e9_real_model.few_parameters import RATES, measure_few_parameters
from headscope.interp.experiments.e9_real_model.flipped_weights import measure_flips
from headscope.interp.experiments.e9_real_model.head_kinds import measure_heads
from headscope.interp.experiments.e9_real_model.model_folder import real_model_folder
from headscope.interp.experiments.e9_real_model.prompt_collapse import QUESTIONS, measure_collapse
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.hooked.loading import load

TRAINING, HEADS, COLLAPSE, FLIPS = "few parameters", "heads", "growing prompts", "flipped weights"
ARMS: list[dict[str, Level]] = [
    *({"part": TRAINING, "learned": learned, "rate": rate} for learned in PARTS for rate in RATES),
    {"part": HEADS},
    *({"part": COLLAPSE, "question": name} for name in QUESTIONS),
    {"part": FLIPS},
]


def trials(size: RealModelSize, seeds: int) -> list[Trial]:
    """Every part with every seed."""
    return [Trial(arm, seed) for seed in range(seeds) for arm in ARMS]


def measure(trial: Trial, size: RealModelSize, place: Place, watch: Watch) -> Numbers:
    """The numbers of the trial's part. ValueError where there is no real model."""
    folder, part = real_model_folder(), trial.condition["part"]
    if part == TRAINING:
        return measure_few_parameters(trial, size, place, watch)
    model = load(folder)
    if part == HEADS:
        return measure_heads(model, trial.seed, size, watch)
    if part == COLLAPSE:
        return measure_collapse(model, str(trial.condition["question"]), trial.seed, size, watch)
    return measure_flips(model, trial.seed, size, watch)
