"""Tuning choice: the first deviation and the rate of each variant, by seeds and held-out cycles that no claim is about.

A training scores the mean of its accuracy over all steps at which it was measured: how much is right, and how soon.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from filelock import FileLock

from headscope.interp.arms.trial import Numbers, Place
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_sizes import SequenceSize, Tuning
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_trials import sequence_recipe
from headscope.interp.experiments.e3_delayed_sums.task_models import measured_on_the_way
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.data.tasks.cycles import FIRST_HALF, SECOND_HALF
from headscope.models.data.tasks.delayed_sums import DelayedSum
from headscope.models.io.fields import Fields
from headscope.models.io.json_file import write_json
from headscope.models.io.records import read_record
from headscope.models.training.recipe import Recipe

CHOICE_PART, CLAIM_PART = FIRST_HALF, SECOND_HALF  # of the cycles held out: what chooses, and what claims are about
Scores = Mapping[Tuning, list[float]]  # of every training; −inf where it diverged


@dataclass(frozen=True)
class KeptScore:
    """What is kept of a training: its recipe, and its score; None where it diverged, as it would again."""

    recipe: Fields
    score: float | None


def tuning_scores(variant: str, size: SequenceSize, place: Place, watch: Watch) -> Scores:
    """The scores of a variant under every tuning; each training is done once and kept, for all trials."""
    folder = place.shared / "delayed_sum_tunings" / variant
    trainings = list(product(size.choice_cells, range(OTHER_SEEDS, OTHER_SEEDS + size.choice_seeds)))

    def score(tuning: Tuning, cell: tuple[int, int], seed: int) -> float:
        recipe = sequence_recipe(variant, DelayedSum(*cell), tuning, seed=seed, part=CHOICE_PART, size=size)
        name = f"{tuning.deviation:g}-{tuning.rate:g}-{cell[0]}-{cell[1]}-{seed}"
        return kept_score(recipe, folder / name, watch, f"{variant}-{name}")

    return {tuning: [score(tuning, cell, seed) for cell, seed in trainings] for tuning in size.tunings}


def kept_score(recipe: Recipe, folder: Path, watch: Watch, name: str) -> float:
    """The score beside the folder, trained first where it is not there; who asks while another process trains waits.

    ValueError where it is of another recipe.
    """
    path = folder.with_name(f"{folder.name}.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not path.is_file():
            write_json(path, asdict(KeptScore(recipe.to_plain(), finite_score(recipe, folder, watch, name))))
        kept = read_record(KeptScore, path)
    if kept.recipe != recipe.to_plain():
        raise ValueError(f"{path} holds the score of another recipe: give another folder, or remove {folder.parent}")
    return -np.inf if kept.score is None else kept.score


def finite_score(recipe: Recipe, folder: Path, watch: Watch, name: str) -> float | None:
    """The score of a training, or None where it diverges."""
    try:
        trained_once(recipe, folder, watch, name)
    except FloatingPointError:
        return None
    return float(np.mean(measured_on_the_way(folder, "accuracy")["accuracy_by_step"]))


def chosen_tuning(scores: Scores) -> Tuning:
    """The tuning with the best mean score, the first of equal ones. FloatingPointError where a run of each diverged."""
    means = {tuning: float(np.mean(item)) for tuning, item in scores.items()}
    best = max(means, key=means.__getitem__)
    if means[best] == -np.inf:
        raise FloatingPointError(f"a run of each of {len(means)} tunings diverged")
    return best


def tuning_numbers(scores: Scores, size: SequenceSize) -> Numbers:
    """What a trial keeps of the choice: deviation, rate, and the mean scores by deviation and rate."""
    means = np.array([np.mean(scores[tuning]) for tuning in size.tunings])
    grid = means.reshape(len(size.deviations), len(size.rates))
    return {**asdict(chosen_tuning(scores)), "scores": grid.tolist()}
