"""E6 end to end at the smallest size: it runs, goes on, judges by its rule, and draws all it found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_diffusion import untrained_uvit

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Numbers, TrialOutcome
from headscope.interp.experiments.e6_diffusion.diffusion import EXPERIMENT
from headscope.interp.experiments.e6_diffusion.diffusion_models import ARMS, SIZES, diffusion_recipe, diffusion_trials
from headscope.interp.experiments.e6_diffusion.diffusion_numbers import loss_numbers
from headscope.interp.experiments.e6_diffusion.digit_halves import half_digits
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.rate_losses import CHOICE_HALF, CLAIM_HALF
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.data.images.digits import digits
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.recipe_file import read_recipe
from headscope.models.zoo import HERE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


@pytest.fixture(scope="module")
def outcome(root: Path) -> Outcome:
    return outcome_of(ExperimentRequest("E6", "smoke", 2, root), watch_no_trial, lambda done, total: None)


def test_both_models_are_measured_with_every_seed(outcome: Outcome) -> None:
    assert outcome.conditions("variant") == ["softmax", "cog"] and outcome.seeds == 2
    assert outcome.conditions("budget") == [4, 2] and outcome.sample("frechet").shape == (8,)
    assert bool((outcome.sample("frechet_floor") < outcome.sample("frechet_noise")).all())


def test_the_gain_of_the_class_is_that_of_all_timesteps(outcome: Outcome) -> None:
    np.testing.assert_allclose(
        outcome.sample("class_gain_by_timestep").mean(1), outcome.sample("class_gain"), atol=1e-6
    )


def test_a_model_that_is_told_nothing_gains_nothing() -> None:
    model = untrained_uvit(AttentionSpec("cog", layers="inner"), d_model=16, layers=3, heads=2)
    with torch.no_grad():
        model.embeddings.classes.weight.zero_()
    assert loss_numbers(model.eval())["class_gain"] == 0


def test_all_trials_of_a_model_share_one_sweep_of_rates(outcome: Outcome) -> None:
    for _, part in outcome.split("variant"):
        losses = part.sample("rate_losses")
        assert (losses == losses[0]).all() and {*part.sample("rate")} == {SIZES["smoke"].rates[losses[0].argmin()]}


def test_asked_again_it_takes_what_was_measured(root: Path, outcome: Outcome) -> None:
    told: list[str] = []
    again = outcome_of(
        ExperimentRequest("E6", "smoke", 2, root), lambda words, *_: told.append(words), lambda done, total: None
    )
    assert again.trials == outcome.trials and told == []


def test_everything_is_drawn(outcome: Outcome, tmp_path: Path) -> None:
    written = publish(EXPERIMENT, outcome, tmp_path)
    names = {"frechet.html", "loss_by_budget.csv", "loss_by_rate.html", "loss_by_timestep.html", "images_U-ViC.html"}
    assert names <= {one.name for one in written}


def test_a_model_that_diverges_is_not_measured_where_it_is_judged_and_the_rest_is_drawn(outcome: Outcome) -> None:
    gone = [item for item in outcome.trials if item.trial.matches(variant="softmax", budget=4)]
    trials = [replace(item, numbers={DIVERGED: 1}) if item in gone else item for item in outcome.trials]
    rest = replace(outcome, trials=tuple(trials))
    assert [verdict.answer for verdict in EXPERIMENT.judge(rest)] == ["not measured"] * 2
    drawn = EXPERIMENT.results(rest)
    assert "images_U-ViT" not in drawn and "images_U-ViC" in drawn
    assert all(len(result.figure().to_dict()["data"]) > 0 for result in drawn.values())


BUDGETS = SIZES["default"].budgets


def made_up(
    cog: tuple[float, ...], softmax: tuple[float, ...], far: tuple[float, float], noise: float = 9.0
) -> Outcome:
    """An outcome with these losses by budget, and these distances at every one: U-ViC's and U-ViT's."""
    losses, distances = {"cog": cog, "softmax": softmax}, {"cog": far[0], "softmax": far[1]}
    trials = []
    for trial in diffusion_trials(SIZES["default"], 3):
        variant, at = str(trial.condition["variant"]), BUDGETS.index(int(trial.condition["budget"]))
        numbers: Numbers = {
            "loss": losses[variant][at] + trial.seed / 1000,
            "frechet": distances[variant] + trial.seed / 100,
            "frechet_held_out": distances[variant],
            "frechet_floor": 0.1,
            "frechet_noise": noise,
        }
        trials.append(TrialOutcome(trial, numbers, 1.0))
    return Outcome("E6", "default", {}, {}, tuple(trials), 2)


FALLING, NEAR, FAR = (0.5, 0.4, 0.3, 0.2), 0.5, 0.9
HIGHER, LOWER = (tuple(loss * factor for loss in FALLING) for factor in (1.1, 0.9))


@pytest.mark.parametrize(
    ("cog", "far", "answers"),
    [
        (LOWER, (NEAR, FAR), ["reproduced", "reproduced"]),
        (LOWER, (FAR, NEAR), ["opposite", "reproduced"]),
        (HIGHER, (NEAR, FAR), ["reproduced", "opposite"]),
        (FALLING, (NEAR, NEAR), ["no difference", "reproduced"]),
        ((*HIGHER[:3], LOWER[3]), (NEAR, FAR), ["reproduced", "depends on budget"]),
        ((*LOWER[:3], HIGHER[3]), (NEAR, FAR), ["reproduced", "depends on budget"]),
        ((HIGHER[0], *LOWER[1:]), (NEAR, FAR), ["reproduced", "depends on budget"]),
        ((0.5 * 1.015, *LOWER[1:]), (NEAR, FAR), ["reproduced", "reproduced"]),  # within 2 % of that budget's loss
    ],
)
def test_each_claim_fails_by_its_own_number_and_the_loss_may_depend_on_the_budget(
    cog: tuple[float, ...], far: tuple[float, float], answers: list[str]
) -> None:
    assert [one.answer for one in EXPERIMENT.judge(made_up(cog, FALLING, far))] == answers


def test_images_that_are_nearer_to_noise_than_to_digits_are_not_compared() -> None:
    verdicts = EXPERIMENT.judge(made_up(LOWER, FALLING, (NEAR, 0.8), noise=0.9))
    assert [one.answer for one in verdicts] == ["not measurable", "reproduced"]


@pytest.mark.parametrize("variant", ["softmax", "cog"])
def test_the_recipe_is_that_of_the_shipped_model_but_for_size_steps_and_seed(variant: str) -> None:
    recipe, shipped = (
        diffusion_recipe(variant, 500, 7, SIZES["default"]),
        read_recipe(HERE / ARMS[variant] / "recipe.toml"),
    )
    own = {name: getattr(shipped, name) for name in ("steps", "seed", "batch", "measure_every")}
    assert replace(recipe, **own) == shipped and (recipe.steps, recipe.seed) == (500, 7)


def test_one_half_of_the_held_out_digits_chooses_and_the_other_is_judged() -> None:
    halves = [{*half_digits(half).numbers.tolist()} for half in (CHOICE_HALF, CLAIM_HALF)]
    assert halves[0] | halves[1] == {*digits().validation.numbers.tolist()} and not halves[0] & halves[1]
