"""E3: windows obey their law, cycles held out are halved, tunings are chosen apart, a stopped run goes on, verdicts."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headscope.interp.arms.evidence import evidence_behind
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Place, Trial, TrialOutcome
from headscope.interp.experiments.e3_delayed_sums import tuning_choice
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_sizes import SIZES, Tuning, cell_name
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_trials import delayed_sums, sequence_recipe
from headscope.interp.experiments.e3_delayed_sums.delayed_sums import EXPERIMENT
from headscope.interp.experiments.e3_delayed_sums.solving_steps import (
    solved_cells,
    solved_share,
    solving_steps,
    sooner_or_later,
)
from headscope.interp.experiments.e3_delayed_sums.task_models import ARMS, SPECS
from headscope.interp.experiments.e3_delayed_sums.tuning_choice import (
    CHOICE_PART,
    CLAIM_PART,
    chosen_tuning,
    kept_score,
    tuning_scores,
)
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.data.examples import UNASKED, Examples
from headscope.models.data.tasks.answering import HELD_OUT, answers
from headscope.models.data.tasks.cycles import cycle_of, part_by_cycles, periods_of, split_by_cycles
from headscope.models.data.tasks.delayed_sum_windows import DelayedSums, windows_in
from headscope.models.data.tasks.delayed_sums import DelayedSum, mixture, windows_from, windows_of

LAWS = [DelayedSum(N, tau) for N, tau in ((2, 3), (3, 4), (4, 3), (5, 5), (6, 2), (8, 3))]
LENGTH = 20

every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: f"N{law.N}-τ{law.tau}")
splittable = pytest.mark.parametrize("law", [law for law in LAWS if law.is_splittable()], ids=lambda law: f"N{law.N}")


def states_by_place(law: DelayedSum, windows: np.ndarray) -> np.ndarray:
    """The states that each window passes through, one after another."""
    return np.lib.stride_tricks.sliding_window_view(windows, law.tau, axis=1) @ law.N ** np.arange(law.tau)[::-1]


def states_of(law: DelayedSum, windows: np.ndarray) -> set[int]:
    """Every state that a window passes through."""
    return set(states_by_place(law, windows).ravel().tolist())


def first_states(law: DelayedSum, examples: Examples, name: int | None = None) -> list[int]:
    """What the windows of a law begin with; those behind its name, in a mixture."""
    rows = examples.ids.numpy()
    own = rows if name is None else rows[rows[:, 0] == name, 1:]
    return (own[:, : law.tau] @ law.N ** np.arange(law.tau)[::-1]).tolist()


@every_law
def test_every_window_obeys_the_law(law: DelayedSum) -> None:
    windows = law.windows(np.arange(law.N**law.tau), LENGTH)
    t = np.arange(law.tau, LENGTH)
    np.testing.assert_array_equal(windows[:, t], (windows[:, t - 1] + windows[:, t - law.tau]) % law.N)


@every_law
def test_the_symbols_of_a_state_are_its_own_number(law: DelayedSum) -> None:
    states = np.arange(law.N**law.tau)
    np.testing.assert_array_equal(law.symbols(states) @ law.N ** np.arange(law.tau)[::-1], states)


@every_law
def test_the_cycles_partition_all_states(law: DelayedSum) -> None:
    successor, cycle = law.successors(), cycle_of(law.successors())
    np.testing.assert_array_equal(np.sort(successor), np.arange(law.N**law.tau))
    np.testing.assert_array_equal(cycle[successor], cycle)
    for one in range(cycle.max() + 1):
        first = int(np.flatnonzero(cycle == one)[0])
        walked, at = {first}, int(successor[first])
        while at != first:
            walked.add(at)
            at = int(successor[at])
        assert walked == set(np.flatnonzero(cycle == one).tolist())


@splittable
def test_no_held_out_cycle_shares_a_state_with_training(law: DelayedSum) -> None:
    split, cycle = law.split(), cycle_of(law.successors())
    assert set(cycle[split.training]) & set(cycle[split.held_out]) == set()
    assert len(split.training) + len(split.held_out) == law.N**law.tau
    met = states_of(law, law.windows(split.training, LENGTH))
    assert met & states_of(law, law.windows(split.held_out, LENGTH)) == set()


@splittable
def test_a_split_is_that_of_its_seed_and_at_most_a_quarter(law: DelayedSum) -> None:
    split = law.split()
    np.testing.assert_array_equal(split.held_out, law.split().held_out)
    assert 0.1 <= split.share <= 0.25


def test_what_has_too_few_cycles_is_left_out() -> None:
    assert not DelayedSum(2, 3).is_splittable() and not DelayedSum(3, 4).is_splittable()
    left_out = {cell_name(DelayedSum(*cell)) for cell in SIZES["default"].cells} - {*SIZES["default"].laws}
    assert left_out == {"(5, 4)"} and np.bincount(cycle_of(DelayedSum(5, 4).successors())).tolist() == [1, 312, 312]


def test_a_map_that_is_no_permutation_is_refused() -> None:
    with pytest.raises(ValueError, match="some states lie on no cycle"):
        cycle_of(np.array([1, 1, 0]))


def test_one_long_cycle_is_never_held_out() -> None:
    assert len(split_by_cycles(np.roll(np.arange(10), -1), seed=0).held_out) == 0


@every_law
def test_a_state_comes_again_after_its_period_and_not_before(law: DelayedSum) -> None:
    successor = law.successors()
    start = at = np.arange(law.N**law.tau)
    back = np.zeros_like(start)
    for step in range(1, law.periods.max() + 1):
        at = successor[at]
        back[(at == start) & (back == 0)] = step
    np.testing.assert_array_equal(periods_of(successor), back)


@every_law
def test_only_what_is_determined_is_asked_and_rightly(law: DelayedSum) -> None:
    examples = windows_of(law, np.arange(law.N**law.tau), LENGTH)(np.random.default_rng(0), 8)
    assert bool((examples.targets[:, : law.tau - 1] == UNASKED).all())
    row, place = examples.questions.nonzero(as_tuple=True)
    expected = (examples.ids[row, place] + examples.ids[row, place + 1 - law.tau]) % law.N
    torch.testing.assert_close(examples.targets[row, place], expected)


@every_law
def test_no_asked_symbol_can_be_copied_from_an_earlier_period(law: DelayedSum) -> None:
    states = np.arange(law.N**law.tau)
    asked = windows_from(law, states, LENGTH).questions.numpy()
    for row, period in zip(asked, law.periods, strict=True):
        expected = range(law.tau - 1, max(law.tau, min(period, LENGTH)) - 1)  # the place before each symbol asked for
        np.testing.assert_array_equal(np.flatnonzero(row), expected)


def test_a_mixture_names_the_law_that_each_row_obeys() -> None:
    laws = [DelayedSum(4, 3), DelayedSum(8, 3)]
    examples = mixture(laws, [np.arange(law.N**law.tau) for law in laws], LENGTH)(np.random.default_rng(0), 64)
    for at, law in enumerate(laws):
        mine = examples.ids[:, 0] == 8 + at
        alone = windows_from(law, np.array(first_states(law, examples, 8 + at)), LENGTH)
        assert int(mine.sum()) > 10
        assert torch.equal(examples.ids[mine, 1:], alone.ids)
        assert torch.equal(examples.targets[mine, 1:], alone.targets)
        assert bool((examples.targets[mine, 0] == UNASKED).all())


HALVED = [law for law in SIZES["default"].laws.values() if law.N**law.tau < 10_000]
halved = pytest.mark.parametrize("law", HALVED, ids=cell_name)


@halved
def test_the_halves_of_what_is_held_out_are_disjoint_whole_cycles_and_about_even(law: DelayedSum) -> None:
    cycle, held_out = cycle_of(law.successors()), law.split().held_out
    first, second = (law.held_out(part) for part in (CHOICE_PART, CLAIM_PART))
    assert set(cycle[first]) & set(cycle[second]) == set()
    assert sorted([*first, *second]) == sorted(held_out) == sorted(law.held_out())
    assert abs(len(first) - len(second)) <= np.bincount(cycle).max()
    assert states_of(law, law.windows(first, LENGTH)) & states_of(law, law.windows(second, LENGTH)) == set()


def test_one_cycle_has_no_halves_and_there_is_no_third() -> None:
    with pytest.raises(ValueError, match="takes two of them or more; there are 1"):
        part_by_cycles(np.roll(np.arange(4), -1), np.arange(4), CHOICE_PART)
    with pytest.raises(ValueError, match=r"unknown recipe data\.held_out 'third'; known: all, first half"):
        DelayedSums(((4, 4),), held_out="third")


@halved
def test_each_state_of_the_part_that_is_asked_for_is_measured_once(law: DelayedSum) -> None:
    size = SIZES["default"]
    for part in (CHOICE_PART, CLAIM_PART):
        windows = windows_in(delayed_sums(law, size, part))
        for examples, states in ((windows.held_out, law.held_out(part)), (windows.seen, law.split().training)):
            began = first_states(law, examples)
            assert len(set(began)) == len(began) == min(size.measured, len(states))
            assert set(began) <= set(states.tolist())
        assert bool(windows.held_out.questions.any())


def test_each_law_of_a_mixture_is_measured_equally_often_as_far_as_its_states_reach() -> None:
    laws, measured = [DelayedSum(4, 3), DelayedSum(8, 3)], 100
    mixed = windows_in(DelayedSums(tuple((law.N, law.tau) for law in laws), 16, measured))
    for name, law in enumerate(laws, start=8):
        split = law.split()
        for examples, states in ((mixed.held_out, split.held_out), (mixed.seen, split.training)):
            began = first_states(law, examples, name)
            assert len(set(began)) == len(began) == min(measured // 2, len(states))
            assert set(began) <= set(states.tolist())


def test_a_model_that_knows_the_law_answers_all() -> None:
    class Knowing(torch.nn.Linear):
        def forward(self, input_ids: torch.Tensor, use_cache: bool) -> Any:
            before = torch.cat([torch.zeros_like(input_ids[:, :2]), input_ids[:, :-2]], dim=1)
            logits = 50.0 * torch.nn.functional.one_hot((input_ids + before) % 4, 4)
            return type("Output", (), {"logits": logits})

    law = DelayedSum(4, 3)
    found = answers(Knowing(1, 1), windows_from(law, law.split().held_out, LENGTH))
    assert found.accuracy == 1 and found.excess == found.loss < 1e-6


def test_no_training_seed_is_that_of_held_out_examples() -> None:
    assert max(trial.seed for trial in EXPERIMENT.trials(SIZES["full"], 100)) < HELD_OUT


def test_every_attention_has_the_same_trials() -> None:
    trials = EXPERIMENT.trials(SIZES["default"], 3)
    assert len(trials) == 3 * len(SPECS) * 7 == len({trial.key for trial in trials})


TUNINGS = [Tuning(deviation, rate) for deviation in (0.02, 0.1) for rate in (1e-3, 2e-3)]


def test_the_tuning_has_the_best_mean_score_and_never_a_diverging_run() -> None:
    scores = dict(zip(TUNINGS, ([0.5, 0.5], [0.9, 0.2], [0.4, 0.8], [1.0, -np.inf]), strict=True))
    assert chosen_tuning(scores) == TUNINGS[2]
    with pytest.raises(FloatingPointError, match="a run of each of 4 tunings"):
        chosen_tuning({tuning: [0.9, -np.inf] for tuning in TUNINGS})


def test_a_training_that_chooses_is_done_once_diverged_or_not_and_of_another_recipe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Path] = []

    def diverge(recipe: Any, folder: Path, *rest: Any) -> None:
        trained.append(folder)
        raise FloatingPointError("the loss of step 2 is nan")

    monkeypatch.setattr(tuning_choice, "trained_once", diverge)
    size, law = SIZES["smoke"], DelayedSum(4, 4)
    recipe = sequence_recipe("cog", law, TUNINGS[0], seed=OTHER_SEEDS, part=CHOICE_PART, size=size)
    scores = [kept_score(recipe, tmp_path / "cog" / "own", watch_no_trial, "own") for _ in range(2)]
    assert scores == [-np.inf, -np.inf] and len(trained) == 1
    with pytest.raises(ValueError, match="holds the score of another recipe"):
        kept_score(replace(recipe, lr=0.5), tmp_path / "cog" / "own", watch_no_trial, "own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def smoke(folder: Path) -> Outcome:
    return outcome_of(ExperimentRequest("E3", "smoke", 1, folder), watch_no_trial, lambda *_: None)


def test_the_smoke_size_runs_from_end_to_end(smoke: Outcome) -> None:
    assert len(smoke.trials) == len(EXPERIMENT.trials(SIZES["smoke"], 1))
    assert {verdict.answer for verdict in EXPERIMENT.judge(smoke)} == {"too few seeds"}
    assert len(EXPERIMENT.judge(smoke)) == 2 * (len(ARMS) - 1)
    drawn = EXPERIMENT.results(smoke)
    assert [key for key, result in drawn.items() if not result.figure().data] == []
    assert drawn["accuracy"].labels["row"] == ARMS and drawn["accuracy"].labels["column"] == ("(4, 4)", "(5, 5)")


def test_what_chooses_has_other_seeds_and_another_half_of_the_held_out_cycles_than_claims(
    smoke: Outcome, folder: Path
) -> None:
    def recipes(place: Path) -> list[Any]:
        return [json.loads(path.read_text()) for path in place.rglob("recipe.json")]

    size = SIZES["smoke"]
    choices, claims = recipes(folder / "models"), recipes(folder / "E3")
    assert (len(choices), len(claims)) == (len(ARMS) * len(size.tunings), len(smoke.trials))
    assert {recipe["data"]["held_out"] for recipe in choices} == {CHOICE_PART}
    assert {recipe["data"]["held_out"] for recipe in claims} == {CLAIM_PART}
    assert min(recipe["seed"] for recipe in choices) >= OTHER_SEEDS > max(recipe["seed"] for recipe in claims)


def test_trials_train_as_their_variant_is_tuned_and_nothing_is_chosen_twice(smoke: Outcome, folder: Path) -> None:
    def refuse(words: str, done: int, total: int) -> None:
        raise AssertionError(words)

    place = Place(folder / "own", folder / "models" / "smoke")
    for variant in ARMS:
        tuning = chosen_tuning(tuning_scores(variant, SIZES["smoke"], place, refuse))
        own = smoke.where(variant=variant)
        assert set(own.sample("deviation")) == {tuning.deviation} and set(own.sample("rate")) == {tuning.rate}
        for item in own.trials:
            recipe = json.loads((folder / "E3/smoke/trials" / item.trial.key / "trained/recipe.json").read_text())
            assert (recipe["model"]["initializer_range"], recipe["lr"]) == (tuning.deviation, tuning.rate)


def test_models_are_of_equal_size_but_for_temperatures(smoke: Outcome) -> None:
    sizes = {name: set(smoke.where(variant=name).sample("parameters")) for name in SPECS}
    assert sizes["cog"] == sizes["expressive"] == sizes["polynomial"] == sizes["softmax"] and len(sizes["cog"]) == 1
    assert 1 < min(sizes["selective"]) / min(sizes["softmax"]) < 1.05


def test_a_run_stopped_while_choosing_and_in_a_trial_gives_what_a_whole_one_gives(
    smoke: Outcome, tmp_path: Path
) -> None:
    request = ExperimentRequest("E3", "smoke", 1, tmp_path)
    for last in (7, 3):  # within the second training that chooses, and then within the first trial
        seen: list[str] = []

        def watch(words: str, done: int, total: int, last: int = last, seen: list[str] = seen) -> None:
            seen.append(words)
            if len(seen) == last:
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            outcome_of(request, watch, lambda *_: None)
    assert seen[-1] == "training softmax_4_4_0"
    again = outcome_of(request, watch_no_trial, lambda *_: None)
    assert [item.numbers for item in again.trials] == [item.numbers for item in smoke.trials]


Curves = dict[str, list[float]]  # cell -> accuracy after 0, 1, 2 and 3 steps
SOFTMAX: Curves = {"(4, 4)": [0.1, 0.5, 0.95, 0.6], "(5, 5)": [0.1, 0.9, 0.9, 0.9]}
BETTER: Curves = {"(4, 4)": [0.1, 0.96, 0.96, 0.96], "(5, 5)": [0.1, 0.94, 0.94, 0.94]}
LATER: Curves = BETTER | {"(4, 4)": [0.1, 0.94, 0.94, 0.96]}
WORSE: Curves = {"(4, 4)": [0.1, 0.96, 0.96, 0.6], "(5, 5)": [0.1, 0.1, 0.1, 0.1]}
CHANCE: Curves = {cell: [0.25] * 4 for cell in SOFTMAX}


def made(curves: dict[str, Curves], seeds: int = 3) -> Outcome:
    """An outcome of seeds that agree, by variant and cell."""
    trials = [
        TrialOutcome(Trial({"variant": variant, "cell": cell}, seed), numbers_of(curve), 0.0)
        for seed in range(seeds)
        for variant, cells in curves.items()
        for cell, curve in cells.items()
    ]
    return Outcome("E3", "made", {"deviations": [0.02], "rates": [1e-3]}, {}, tuple(trials), 2)


def numbers_of(curve: list[float]) -> dict[str, Any]:
    """The numbers of a trial with a curve."""
    of_curve = {"accuracy": curve[-1], "steps": [0, 1, 2, 3], "accuracy_by_step": curve}
    return {**of_curve, "chance": 0.25, "scores": [[0.5]]}


def answers_to(curves: dict[str, Curves]) -> dict[str, str]:
    return {verdict.name: str(verdict.answer) for verdict in EXPERIMENT.judge(made(curves))}


ALL_BETTER = {variant: SOFTMAX if variant == "softmax" else BETTER for variant in ARMS}


@pytest.mark.parametrize("variant", ARMS[1:])
@pytest.mark.parametrize(("curves", "claim"), [(LATER, "solves sooner"), (WORSE, "more accurate")])
def test_each_claim_fails_by_its_own_number_alone(variant: str, curves: Curves, claim: str) -> None:
    assert {*answers_to(ALL_BETTER).values()} == {"reproduced"}
    answers = answers_to(ALL_BETTER | {variant: curves})
    assert [name for name, answer in answers.items() if answer != "reproduced"] == [f"{variant} {claim}"]
    assert answers[f"{variant} {claim}"] == "opposite"


def test_where_nothing_is_learned_nothing_is_measurable_and_alike_is_no_difference() -> None:
    assert {*answers_to(dict.fromkeys(ARMS, CHANCE)).values()} == {"not measurable"}
    assert {*answers_to(dict.fromkeys(ARMS, SOFTMAX)).values()} == {"no difference"}


def test_the_verdict_on_solving_counts_every_pair() -> None:
    [verdict] = [item for item in EXPERIMENT.judge(made(ALL_BETTER)) if item.name == "expressive solves sooner"]
    assert verdict.ours == "1 ± 0 cells more sooner than later; of 6: 3 sooner, 0 later, 0 at one step, 3 by neither"
    assert evidence_behind(verdict.answer)[0].mean == 1


@pytest.mark.parametrize("of_arm", [1, 99], ids=["a trial", "an arm"])
@pytest.mark.parametrize("variant", ["softmax", "cog"])
def test_what_diverged_is_not_measured_and_the_rest_is_drawn(variant: str, of_arm: int) -> None:
    outcome = made(ALL_BETTER)
    gone = [item for item in outcome.trials if item.trial.matches(variant=variant)][:of_arm]
    trials = tuple(replace(item, numbers={DIVERGED: 1}) if item in gone else item for item in outcome.trials)
    outcome = replace(outcome, trials=trials)
    lost = {verdict.name for verdict in EXPERIMENT.judge(outcome) if verdict.answer == "not measured"}
    assert len(lost) == (8 if variant == "softmax" else 2)
    assert [key for key, item in EXPERIMENT.results(outcome).items() if not item.figure().data] == []


def test_of_two_times_the_sooner_is_known_unless_both_are_censored() -> None:
    ours, other = np.array([[1, 2, 3, np.inf, np.inf, 3, np.nan]]), np.array([[2, 1, np.inf, 3, np.inf, 3, 1]])
    np.testing.assert_array_equal(sooner_or_later(ours, other), [[1, -1, 1, -1, 0, 0, np.nan]])
    np.testing.assert_array_equal(sooner_or_later(other, ours), [[-1, 1, -1, 1, 0, 0, np.nan]])


def test_no_time_beyond_the_last_step_changes_what_is_counted() -> None:
    ours = np.array([[40.0, np.inf], [np.inf, 80]])
    for beyond in (1001.0, 1e9):
        made_up = np.where(np.isinf(ours), beyond, ours)
        np.testing.assert_array_equal(sooner_or_later(ours, np.full((2, 2), 60.0)), np.sign(60.0 - made_up))


def test_a_cell_is_solved_at_the_first_measured_step_of_95_percent_and_stays_so() -> None:
    outcome = made({"softmax": {"(4, 4)": [0.1, 0.95, 0.2, 0.2], "(5, 5)": [0.1, 0.2, 0.949, 0.94]}}, seeds=2)
    times, steps = solving_steps(outcome, [0, 40, 80, 120]), [0, 40, 80, 120]
    np.testing.assert_array_equal(times, [[40, np.inf]] * 2)
    np.testing.assert_array_equal(solved_cells(times), [1, 1])
    np.testing.assert_array_equal(solved_share(times, steps), [[0, 0.5, 0.5, 0.5]] * 2)
    assert np.isnan(solved_cells(np.array([[np.nan, 1.0]]))).all()
    assert np.isnan(solved_share(np.array([[np.nan, 1.0]]), steps)).all()
