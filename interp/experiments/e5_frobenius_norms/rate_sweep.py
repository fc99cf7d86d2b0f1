"""The sweep of rates of E5: every arm at every rate, with other seeds, by accuracy on images that judge nothing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.trial import Place, Trial
from headscope.interp.experiments.e5_frobenius_norms.vision_models import vision_recipe
from headscope.interp.experiments.e5_frobenius_norms.vision_sizes import VisionSize
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS, chosen_rate
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.trained_once import trained_once
from headscope.models.fitting.history import read_history
from headscope.models.io.json_file import write_json
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe

CHOOSING = "first half"  # of the held-out images


@dataclass(frozen=True)
class RateSweep:
    """The accuracy after the last step of every run; NaN where it diverged."""

    rates: tuple[float, ...]
    accuracy: Float[np.ndarray, "seed rate"]

    @property
    def best(self) -> float:
        """The rate of the largest mean accuracy, the lowest of equal ones. FloatingPointError where all diverged."""
        return chosen_rate(self.error, self.rates, len(self.accuracy))

    def error(self, rate: float, seed: int) -> float:
        """The share that was told wrong by a run. FloatingPointError where it diverged."""
        accuracy = float(self.accuracy[seed - OTHER_SEEDS, self.rates.index(rate)])
        if np.isnan(accuracy):
            raise FloatingPointError(f"the run of rate {rate} and seed {seed} diverged")
        return 1 - accuracy


def rate_sweep(trial: Trial, size: VisionSize, place: Place, watch: Watch) -> RateSweep:
    """The sweep of a trial's arm, the same for all its seeds; runs that were trained before are taken as they are."""
    seeds = range(OTHER_SEEDS, OTHER_SEEDS + size.rate_seeds)
    rows = [[sweep_accuracy(trial, size, rate, seed, place, watch) for rate in size.rates] for seed in seeds]
    return RateSweep(size.rates, np.array(rows))


def sweep_accuracy(trial: Trial, size: VisionSize, rate: float, seed: int, place: Place, watch: Watch) -> float:
    """The accuracy of one run."""
    run = Trial({**trial.condition, "rate": rate}, seed)
    recipe = vision_recipe(run, size, rate, CHOOSING, measure_every=size.steps)
    return final_accuracy(recipe, place.shared / "vision_rates" / run.key, watch)


def final_accuracy(recipe: Recipe, folder: Path, watch: Watch) -> float:
    """The accuracy after the last step; NaN where the run diverged, which is kept, so that no seed repeats it."""
    mark = folder.with_name(f"{folder.name}.diverged.json")
    if mark.is_file() and read_recipe(mark).to_plain() == recipe.to_plain():
        return np.nan
    try:
        trained_once(recipe, folder, watch)
    except FloatingPointError:
        write_json(mark, recipe.to_plain())
        return np.nan
    return read_history(folder / "history.jsonl")[-1]["accuracy"]
