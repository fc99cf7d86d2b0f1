"""Trials of E4: three tasks that ask for sparsity, with and without temperatures, and models tempered later."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e3_delayed_sums.task_models import (
    LR,
    SAVED,
    SPECS,
    decoder_fields,
    trained_model,
)
from headscope.interp.experiments.e4_temperatures.temperature_readings import (
    by_kind,
    noise_share,
    sharpest,
    spread_slope,
)
from headscope.interp.experiments.e4_temperatures.temperature_sizes import TemperatureSize
from headscope.interp.experiments.e4_temperatures.tempering_trials import measure_tempering, tempering_arms
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.interp.reading.hooked_model import HookedModel
from headscope.models.data.tasks.answering import answers, held_out_examples
from headscope.models.data.tasks.denoising import Denoising
from headscope.models.data.tasks.neighbours import Neighbours
from headscope.models.data.tasks.passkeys import Passkeys
from headscope.models.hooked import hooked
from headscope.models.training.recipe import Recipe
from headscope.models.training.tempered import count

TRAINED_LENGTH = 128  # of passkey rows
TASKS: dict[str, Any] = {
    "denoising": Denoising(),
    "neighbours": Neighbours(),
    "passkeys": Passkeys(length=TRAINED_LENGTH),
}


def trials(size: TemperatureSize, seeds: int) -> list[Trial]:
    """Softmax and selective with every seed on every task, and trained softmax models tempered."""
    arms = [{"variant": variant, "task": task} for task in TASKS for variant in ("softmax", "selective")]
    return [Trial(arm, seed) for seed in range(seeds) for arm in [*arms, *tempering_arms(size)]]


def measure(trial: Trial, size: TemperatureSize, place: Place, watch: Watch) -> Numbers:
    """Train on the trial's task, answer, and read the rows; or temper."""
    if trial.condition["task"] == "tempering":
        return measure_tempering(trial, size, place, watch)
    task = TASKS[str(trial.condition["task"])]
    model = trained_model(trained_once(task_recipe(trial, size), place.own / TRAINED, watch, trial.key))
    numbers = {**asdict(answers(model, held_out_examples(task, size.measured))), "percent": count(model).percent}
    lengths = asked_at(model, size) if trial.condition["task"] == "passkeys" else {}
    with torch.no_grad():
        return {**numbers, **lengths, **READINGS[str(trial.condition["task"])](hooked(model), size)}


def task_recipe(trial: Trial, size: TemperatureSize) -> Recipe:
    """The recipe of a trial on a task: a decoder that reads the longest rows, the same for both attentions."""
    name = str(trial.condition["task"])
    task = replace(TASKS[name], measured=size.measured)
    return Recipe(
        model=decoder_fields(size.d_model, size.layers, size.heads, max(size.lengths)),
        data={"source": name, **asdict(task)},
        attention=SPECS[str(trial.condition["variant"])].to_json(),
        steps=size.steps,
        batch=size.batch,
        seed=trial.seed,
        lr=LR,
        warmup=min(100, size.steps // 5),
        measure_every=size.steps,
        save_every=SAVED,
        snapshots=0,
    )


def asked_at(model: nn.Module, size: TemperatureSize) -> Numbers:
    """The share of passkeys found, by length."""
    rows = [held_out_examples(replace(TASKS["passkeys"], length=n), size.measured) for n in size.lengths]
    return {"lengths": list(size.lengths), "found": [answers(model, row).accuracy for row in rows]}


def read_denoising(model: HookedModel, size: TemperatureSize) -> Numbers:
    """How much comes from noise, and the temperatures of tokens that say something and of noise."""
    task: Denoising = TASKS["denoising"]
    examples, is_noise = held_out_examples(task, size.read), np.arange(task.vocabulary) >= task.classes
    share = noise_share(model, examples, task.classes)
    return {"noise_share": share, **by_kind(model, examples, is_noise.astype(np.int64), (0, 1))}


def read_neighbours(model: HookedModel, size: TemperatureSize) -> Numbers:
    """How rows widen with the number of neighbours, and the temperatures by that number."""
    task: Neighbours = TASKS["neighbours"]
    examples = held_out_examples(task, size.read)
    slope = spread_slope(model, examples, task.degree)
    return {"slope": slope, **by_kind(model, examples, task.degree, task.degrees)}


def read_passkeys(model: HookedModel, size: TemperatureSize) -> Numbers:
    """How sharp the last row is, by length."""
    rows = [held_out_examples(replace(TASKS["passkeys"], length=n), size.read) for n in size.lengths]
    result = [sharpest(model, row) for row in rows]
    return {name: [item[name] for item in result] for name in ("max_b", "spikiness")}


READINGS: dict[str, Callable[[HookedModel, TemperatureSize], Numbers]] = {
    "denoising": read_denoising,
    "neighbours": read_neighbours,
    "passkeys": read_passkeys,
}
