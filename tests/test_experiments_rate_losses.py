"""Rates: chosen on a seed that no trial has, each trained once, kept, and refused where the recipe is another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.rate_losses import rate_losses, rate_numbers
from headscope.models.training.recipe import Recipe

RECIPE = Recipe(model={"model_type": "llama"}, data={"source": "stdlib"}, steps=3, seed=1)
RATES = (0.001, 0.002, 0.004)


class Trainer:
    """Trains nothing; the loss of a rate is how far it is from a goal, and one rate may diverge or be stopped at."""

    def __init__(self, goal: float, diverging: float = 0.0, stopped: float = 0.0) -> None:
        self.goal, self.diverging, self.stopped = goal, diverging, stopped
        self.trained: list[Recipe] = []

    def loss(self, recipe: Recipe, folder: Path) -> float:
        """A loss, and a record of what was trained."""
        if recipe.lr == self.stopped:
            raise KeyboardInterrupt
        self.trained.append(recipe)
        if recipe.lr == self.diverging:
            raise FloatingPointError("the loss of step 2 is nan")
        return abs(recipe.lr - self.goal)


def test_the_rate_of_the_least_loss_is_chosen_on_another_seed(tmp_path: Path) -> None:
    trainer = Trainer(0.002)
    assert rate_numbers(rate_losses(RECIPE, RATES, tmp_path, trainer.loss))["rate"] == 0.002
    assert trainer.trained == [replace(RECIPE, seed=OTHER_SEEDS, lr=rate) for rate in RATES]


def test_what_was_trained_is_taken_as_it_is(tmp_path: Path) -> None:
    first = rate_losses(RECIPE, RATES, tmp_path, Trainer(0.004).loss)
    trainer = Trainer(0.001)
    assert rate_losses(replace(RECIPE, seed=2), RATES, tmp_path, trainer.loss) == first and trainer.trained == []


def test_a_choice_that_was_stopped_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        rate_losses(RECIPE, RATES, tmp_path, Trainer(0.001, stopped=0.002).loss)
    trainer = Trainer(0.001)
    rate_losses(RECIPE, RATES, tmp_path, trainer.loss)
    assert [recipe.lr for recipe in trainer.trained] == [0.002, 0.004]


def test_a_rate_that_diverges_is_not_chosen_and_not_tried_again(tmp_path: Path) -> None:
    losses = rate_losses(RECIPE, RATES, tmp_path, Trainer(0.004, diverging=0.004).loss)
    assert (losses[0.004], rate_numbers(losses)["rate"]) == (np.inf, 0.002)
    trainer = Trainer(0.004)
    assert rate_losses(RECIPE, RATES, tmp_path, trainer.loss) == losses and trainer.trained == []


def test_where_every_rate_diverges_so_does_the_trial(tmp_path: Path) -> None:
    losses = rate_losses(RECIPE, (0.001,), tmp_path, Trainer(0.0, diverging=0.001).loss)
    with pytest.raises(FloatingPointError, match=r"at every rate of 0\.001 a run diverged"):
        rate_numbers(losses)


def test_the_losses_of_another_recipe_are_refused(tmp_path: Path) -> None:
    rate_losses(RECIPE, RATES, tmp_path, Trainer(0.001).loss)
    with pytest.raises(ValueError, match="holds the loss of another recipe: give another folder, or remove"):
        rate_losses(replace(RECIPE, steps=4), RATES, tmp_path, Trainer(0.001).loss)
