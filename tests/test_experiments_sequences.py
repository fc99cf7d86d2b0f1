"""E3: windows obey their law, whole cycles are held out, a stopped run gives what a whole one gives, verdicts hold."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Trial, TrialOutcome
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_trials import SIZES, delayed_sums
from headscope.interp.experiments.e3_delayed_sums.delayed_sums import EXPERIMENT, SOLVED
from headscope.interp.experiments.e3_delayed_sums.task_models import SPECS
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of
from headscope.models.data.examples import UNASKED, Examples
from headscope.models.data.tasks.answering import HELD_OUT, answers
from headscope.models.data.tasks.cycles import cycle_of, periods_of, split_by_cycles
from headscope.models.data.tasks.delayed_sum_windows import windows_in
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
    assert (4, 2) not in [(law.N, law.tau) for law in SIZES["default"].laws]


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


def alone(law: DelayedSum) -> Trial:
    return Trial({"variant": "cog", "task": "alone", "N": law.N, "τ": law.tau}, 0)


def test_measured_windows_are_those_of_states_held_out() -> None:
    law = DelayedSum(4, 3)
    measured = windows_in(delayed_sums(alone(law), SIZES["smoke"])).held_out
    assert states_of(law, measured.ids.numpy()) <= set(law.split().held_out.tolist())


@pytest.mark.parametrize("law", SIZES["default"].laws, ids=lambda law: f"N{law.N}-τ{law.tau}")
def test_each_held_out_state_is_measured_once(law: DelayedSum) -> None:
    found, split, most = windows_in(delayed_sums(alone(law), SIZES["default"])), law.split(), SIZES["default"].measured
    for examples, states in ((found.held_out, split.held_out), (found.seen, split.training)):
        began = first_states(law, examples)
        assert len(set(began)) == len(began) == min(most, len(states))
        assert set(began) <= set(states.tolist())


def test_each_law_of_the_mixture_is_measured_equally_often_as_far_as_its_states_reach() -> None:
    size = SIZES["default"]
    mixture = Trial({"variant": "cog", "task": "mixture"}, 0)
    found, share = windows_in(delayed_sums(mixture, size)), size.measured // len(size.laws)
    for name, law in enumerate(size.laws, start=max(size.symbols)):
        split = law.split()
        for examples, states in ((found.held_out, split.held_out), (found.seen, split.training)):
            began = first_states(law, examples, name)
            assert len(set(began)) == len(began) == min(share, len(states))
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
    assert len(trials) == 3 * len(SPECS) * (len(SIZES["default"].laws) + 1) == len({trial.key for trial in trials})


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome_of(
        ExperimentRequest("E3", "smoke", 1, tmp_path_factory.mktemp("whole")), lambda *_: None, lambda *_: None
    )


def test_the_smoke_size_runs_from_end_to_end(smoke: Outcome) -> None:
    assert len(smoke.trials) == len(EXPERIMENT.trials(SIZES["smoke"], 1))
    assert {one.answer for one in EXPERIMENT.judge(smoke)} == {"too few seeds"}
    drawn = EXPERIMENT.results(smoke)
    assert [len(one.figure().data) > 0 for one in drawn.values()] == [True, True, True]


def test_models_are_of_equal_size_but_for_temperatures(smoke: Outcome) -> None:
    sizes = {name: set(smoke.where(variant=name).sample("parameters")) for name in SPECS}
    assert sizes["cog"] == sizes["expressive"] == sizes["polynomial"] == sizes["softmax"] and len(sizes["cog"]) == 1
    assert 1 < min(sizes["selective"]) / min(sizes["softmax"]) < 1.05


def test_a_stopped_run_gives_what_a_whole_one_gives(smoke: Outcome, tmp_path: Path) -> None:
    asked, seen = ExperimentRequest("E3", "smoke", 1, tmp_path), []

    def watch(words: str, done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        outcome_of(asked, watch, lambda *_: None)
    gone_on = outcome_of(asked, lambda *_: None, lambda *_: None)
    assert [one.numbers for one in gone_on.trials] == [one.numbers for one in smoke.trials]


def made(expressive: tuple[float, ...], softmax: tuple[float, ...]) -> Outcome:
    """An outcome in which a seed of a variant is equally accurate on all laws."""
    conditions = [{"task": "alone", "N": 4, "τ": 3}, {"task": "alone", "N": 4, "τ": 4}, {"task": "mixture"}]
    accuracies = {"expressive": expressive, "softmax": softmax}
    trials = [
        TrialOutcome(
            Trial({"variant": name, **condition}, seed),
            {"accuracy": value, "steps": [0, 1], "accuracy_by_step": [0.0, value]},
            0.0,
        )
        for name, values in accuracies.items()
        for condition in conditions
        for seed, value in enumerate(values)
    ]
    return Outcome("E3", "made", {}, {}, tuple(trials))


def test_verdicts_follow_the_accuracies() -> None:
    high, low = (SOLVED, SOLVED + 0.01, SOLVED + 0.02), (0.3, 0.31, 0.32)
    assert [one.answer for one in EXPERIMENT.judge(made(high, low))] == ["reproduced"] * 3
    assert [one.answer for one in EXPERIMENT.judge(made(low, high))] == ["opposite"] * 3
    assert [one.answer for one in EXPERIMENT.judge(made(low, low))] == [
        "no difference",
        "not measurable",
        "no difference",
    ]
    assert [one.ours for one in EXPERIMENT.judge(made(high, low))][1] == "2 ± 0 against 0 ± 0"
