"""E7: every budget is a training of its own, its rate was chosen elsewhere, and its claims are what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headscope.interp.arms.arms import ArmCurves
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Numbers, Trial, TrialOutcome
from headscope.interp.experiments.e7_language.budget_models import (
    ARMS,
    BASE,
    SIZES,
    STILL,
    budget_recipe,
    language_budget_trials,
)
from headscope.interp.experiments.e7_language.held_out_halves import half_corpus
from headscope.interp.experiments.e7_language.language import EXPERIMENT
from headscope.interp.experiments.e7_language.language_claims import MARGIN
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.rate_losses import CHOICE_HALF, CLAIM_HALF
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.data.table import fields_of
from headscope.models.data.text.corpus import prepare_corpus
from headscope.models.fitting.schedule import learning_rate

SMOKE, DEFAULT = SIZES["smoke"], SIZES["default"]
BUDGETS = DEFAULT.budgets
OTHERS = [name for name in ARMS if name != BASE]
EVEN = (0.0,) * 4


def finished(done: int, total: int) -> None:
    """Nobody counts."""


def numbers_with(loss: float) -> Numbers:
    """All numbers of a trial, of which only the loss matters to a claim."""
    sweep: Numbers = {"rate": 0.002, "rates": [0.001, 0.002], "rate_losses": [4.0, 3.9]}
    return {"loss": loss, **sweep, "tokens_per_second": 1e4, "bytes_per_token": 5e4, "cpu_seconds": 9.0}


def outcome_with(**above: tuple[float, ...]) -> Outcome:
    """Three seeds of every arm at every budget; above: how far an arm is above softmax at each budget, else as far."""
    trials = []
    for trial in language_budget_trials(DEFAULT, 3):
        at = BUDGETS.index(int(trial.condition["budget"]))
        loss = 6.0 - at + 0.01 * trial.seed + above.get(str(trial.condition["variant"]), EVEN)[at]
        trials.append(TrialOutcome(trial, numbers_with(loss + 0.001 * trial.seed * (at + 1)), 1.0))
    return Outcome("E7", "default", {}, {}, tuple(trials), 2)


def answers(outcome: Outcome) -> dict[str, str]:
    """The answer to the claim of every arm."""
    return dict(zip(OTHERS, (verdict.answer for verdict in EXPERIMENT.judge(outcome)), strict=True))


@pytest.mark.parametrize("arm", OTHERS)
def test_each_claim_fails_by_the_losses_of_its_own_arm_alone(arm: str) -> None:
    expected = dict.fromkeys(OTHERS, "reproduced")
    assert answers(outcome_with()) == expected
    assert answers(outcome_with(**{arm: (2 * MARGIN,) * 4})) == expected | {arm: "opposite"}


@pytest.mark.parametrize(
    ("above", "answer"),
    [
        ((-0.2, -0.2, -0.2, 0.2), "depends on budget"),
        ((0.2, 0.2, 0.2, -0.2), "depends on budget"),
        ((0.2, -0.2, -0.2, -0.2), "depends on budget"),  # the smallest is no part of a longer training: it counts
        ((0.02, 0.02, 0.02, -0.2), "reproduced"),  # behind, and yet within the margin
        ((-0.2, -0.2, -0.2, -0.2), "reproduced"),
        ((0.2, 0.2, 0.2, 0.2), "opposite"),
    ],
)
def test_a_side_that_changes_over_budgets_makes_the_answer_depend_on_them(
    above: tuple[float, ...], answer: str
) -> None:
    assert answers(outcome_with(cog=above)) == dict.fromkeys(OTHERS, "reproduced") | {"cog": answer}


@pytest.mark.parametrize(("budget", "answer"), [(2000, "not measured"), (250, "reproduced")])
def test_an_arm_that_diverges_is_not_measured_where_it_is_judged(budget: int, answer: str) -> None:
    whole = outcome_with()
    trials = [
        replace(item, numbers={DIVERGED: 1}) if item.trial.matches(variant="cog", budget=budget) else item
        for item in whole.trials
    ]
    outcome = replace(whole, trials=tuple(trials))
    assert answers(outcome) == dict.fromkeys(OTHERS, "reproduced") | {"cog": answer}
    assert all(len(result.figure().to_dict()["data"]) > 0 for result in EXPERIMENT.results(outcome).values())


def test_curves_run_over_the_budgets_from_the_smallest_on() -> None:
    by_budget = EXPERIMENT.results(outcome_with())["loss_by_budget"]
    assert isinstance(by_budget, ArmCurves) and by_budget.x == BUDGETS
    assert bool((by_budget.mean.diff(dim=1) < 0).all())


@pytest.mark.parametrize("steps", BUDGETS)
def test_every_budget_has_a_cosine_that_falls_to_0_at_its_own_end(steps: int) -> None:
    recipe = budget_recipe("cog", steps, 0, DEFAULT)
    rates = [
        learning_rate(recipe.schedule, at, peak=recipe.lr, warmup=recipe.warmup, steps=steps) for at in range(steps)
    ]
    assert (recipe.steps, recipe.schedule, max(rates)) == (steps, "cosine", recipe.lr)
    assert rates[-1] < 1e-3 * recipe.lr


def test_recipes_of_arms_differ_in_their_attention_and_its_start_alone() -> None:
    recipes = {arm: budget_recipe(arm, 250, 1, DEFAULT) for arm in ARMS}
    alike = [replace(recipe, attention={}, still=False) for recipe in recipes.values()]
    assert all(recipe == alike[0] for recipe in alike)
    assert recipes[STILL] == replace(recipes["selective"], still=True)
    assert {arm: recipe.spec.variant for arm, recipe in recipes.items()} == ARMS


def test_one_half_of_the_held_out_text_chooses_and_the_other_is_judged() -> None:
    corpus = prepare_corpus(fields_of(budget_recipe(BASE, 2, 0, SMOKE).data))
    halves = [half_corpus(corpus, half).validation for half in (CHOICE_HALF, CLAIM_HALF)]
    np.testing.assert_array_equal(np.concatenate(halves), corpus.validation)
    assert abs(len(halves[0]) - len(halves[1])) <= 1


@pytest.fixture(scope="module")
def request_of_smoke(tmp_path_factory: pytest.TempPathFactory) -> ExperimentRequest:
    return ExperimentRequest("E7", "smoke", 2, tmp_path_factory.mktemp("experiments"))


@pytest.fixture(scope="module")
def smoke(request_of_smoke: ExperimentRequest) -> Outcome:
    return outcome_of(request_of_smoke, watch_no_trial, finished)


def test_all_trials_of_an_arm_share_one_sweep_of_rates(smoke: Outcome, request_of_smoke: ExperimentRequest) -> None:
    place = request_of_smoke.place(smoke.trials[0].trial).shared / "language_rates"
    assert len([*place.glob("*/*.json")]) == len(ARMS) * len(SMOKE.rates)
    for arm, part in smoke.split("variant"):
        losses = part.sample("rate_losses")
        assert (losses == losses[0]).all(), arm
        assert {*part.sample("rate")} == {SMOKE.rates[int(losses[0].argmin())]}, arm


def test_a_run_goes_on_with_the_trial_that_is_missing_and_trains_nothing_twice(
    smoke: Outcome, request_of_smoke: ExperimentRequest
) -> None:
    gone, words = smoke.trials[3].trial, list[str]()
    (request_of_smoke.place(gone).own / "result.json").unlink()
    again = outcome_of(request_of_smoke, lambda what, *_: words.append(what), finished)
    assert words == [] and len(again.trials) == len(smoke.trials)
    assert [item.numbers["loss"] for item in again.trials] == [item.numbers["loss"] for item in smoke.trials]


def test_everything_is_drawn(smoke: Outcome, tmp_path: Path) -> None:
    names = {path.name for path in publish(EXPERIMENT, smoke, tmp_path)}
    assert {"loss_by_budget.html", "loss_by_time.html", "loss_by_rate.csv", "loss.csv", "speed.csv"} <= names


def test_trials_are_those_of_every_arm_and_budget_and_begin_with_the_budget_that_is_judged() -> None:
    trials = language_budget_trials(DEFAULT, 3)
    assert len(trials) == 3 * len(ARMS) * len(BUDGETS) and trials[0] == Trial({"variant": BASE, "budget": 2000}, 0)
