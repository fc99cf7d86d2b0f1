"""E4: what the tasks ask is what can be known, readings keep their laws, a stopped run goes on, verdicts follow."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Trial, TrialOutcome
from headscope.interp.experiments.e3_delayed_sums.task_models import decoder_fields
from headscope.interp.experiments.e4_temperatures.temperature_readings import (
    by_kind,
    noise_share,
    sharpest,
    spread_slope,
)
from headscope.interp.experiments.e4_temperatures.temperature_sizes import SIZES
from headscope.interp.experiments.e4_temperatures.temperature_trials import TASKS
from headscope.interp.experiments.e4_temperatures.temperatures import EXPERIMENT
from headscope.interp.experiments.e4_temperatures.tempering_trials import ARMS, LANGUAGE
from headscope.interp.experiments.e7_language import language_models
from headscope.interp.experiments.e7_language.language_models import language_recipe
from headscope.interp.experiments.engine import trained_once
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.data.examples import Examples
from headscope.models.data.material import token_fields
from headscope.models.data.table import fields_of
from headscope.models.data.tasks.denoising import Denoising
from headscope.models.data.tasks.neighbours import Neighbours
from headscope.models.data.tasks.passkeys import Passkeys
from headscope.models.data.text.sources import Stdlib
from headscope.models.hooked import hooked
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.hosts.untrained import untrained_config, untrained_model
from headscope.models.io.json_file import write_json
from headscope.models.training.recipe import Recipe
from headscope.models.training.tempered import count

LAST = Trial(ARMS[-1], 0).key
every_task = pytest.mark.parametrize("name", TASKS)
DENOISING, NEIGHBOURS, PASSKEYS = Denoising(), Neighbours(), Passkeys()


def drawn(task: Any, many: int = 64) -> Examples:
    return task(np.random.default_rng(0), many)


@every_task
def test_examples_are_those_of_their_dice(name: str) -> None:
    one, other = drawn(TASKS[name]), drawn(TASKS[name])
    assert torch.equal(one.ids, other.ids) and torch.equal(one.targets, other.targets)


@every_task
def test_tokens_and_targets_are_in_the_vocabulary(name: str) -> None:
    task, examples = TASKS[name], drawn(TASKS[name])
    for tokens in (examples.ids, examples.targets[examples.questions]):
        assert int(tokens.min()) >= 0 and int(tokens.max()) < task.vocabulary
    assert examples.ids.shape[1] == task.length


def test_noise_and_clarity_have_their_shares() -> None:
    examples = drawn(DENOISING, 1000)
    is_noise = examples.ids >= DENOISING.classes
    assert float(is_noise.double().mean()) == pytest.approx(DENOISING.noise, abs=0.01)
    is_right = (examples.ids == examples.targets)[~is_noise]
    assert float(is_right.double().mean()) == pytest.approx(DENOISING.clarity, abs=0.01)


def test_the_posterior_is_bayes_rule() -> None:
    task, ids = replace(DENOISING, classes=3), np.array([[0, 5, 1, 1]])
    right, wrong = task.clarity, (1 - task.clarity) / 2
    odds = np.array([right * wrong * wrong, wrong * right * right, wrong * wrong * wrong])
    np.testing.assert_allclose(np.exp(task.log_posterior(ids))[0, -1], odds / odds.sum())
    np.testing.assert_allclose(np.exp(task.log_posterior(ids)).sum(-1), 1)


def test_no_noise_changes_the_posterior() -> None:
    posterior = DENOISING.log_posterior(np.array([[3, 17, 20, 31]]))
    np.testing.assert_allclose(posterior[:, 1:], posterior[:, :1].repeat(3, 1))


def test_every_node_has_its_degree_and_is_no_neighbour_of_its_own() -> None:
    np.testing.assert_array_equal(NEIGHBOURS.graph.sum(1), NEIGHBOURS.degree)
    assert not NEIGHBOURS.graph.diagonal().any()


def test_what_is_asked_is_a_neighbour_seen_before_each_as_often() -> None:
    examples = drawn(NEIGHBOURS, 200)
    ids = examples.ids.numpy()
    np.testing.assert_array_equal(np.sort(ids, 1), np.tile(np.arange(NEIGHBOURS.nodes), (200, 1)))
    seen = NEIGHBOURS.seen(ids)
    np.testing.assert_array_equal(examples.questions.numpy(), seen.any(-1))
    for row, place in examples.questions.nonzero()[:500].tolist():
        assert int(examples.targets[row, place]) in ids[row][seen[row, place]]
    np.testing.assert_allclose(examples.floor[examples.questions].exp().numpy(), seen.sum(-1)[seen.any(-1)], rtol=1e-5)


@pytest.mark.parametrize("length", [16, 128, 300])
def test_a_passkey_stands_once_before_every_question(length: int) -> None:
    examples = drawn(replace(PASSKEYS, length=length))
    ids = examples.ids
    is_key = (ids >= 1) & (ids <= PASSKEYS.keys)
    assert is_key.sum(1).tolist() == [1] * len(ids)
    assert torch.equal(examples.questions, ids == 0) and bool(examples.questions[:, -1].all())
    place = is_key.long().argmax(1, keepdim=True)
    assert bool((place < length // 2).all())
    assert not bool((examples.questions & (torch.arange(length) <= place)).any())
    assert bool((examples.targets == ids.gather(1, place))[examples.questions].all())


def small_decoder(variant: str, vocabulary: int, context: int, seed: int = 0) -> Any:
    """A decoder as the trials have it, untrained."""
    fields, tokens = decoder_fields(16, 2, 2, context), token_fields(vocabulary)
    return untrained_model(untrained_config(fields, tokens), AttentionSpec(variant), seed)


def small(variant: str, vocabulary: int) -> Any:
    return hooked(small_decoder(variant, vocabulary, 128).eval())


@pytest.fixture(scope="module", params=["softmax", "selective"])
def model(request: pytest.FixtureRequest) -> Any:
    return small(request.param, DENOISING.vocabulary)


def test_noise_moves_as_much_as_anything_before_training(model: Any) -> None:
    with torch.no_grad():
        assert 0.5 < noise_share(model, drawn(DENOISING, 4), DENOISING.classes) < 0.9
        assert noise_share(model, drawn(DENOISING, 4), 0) == pytest.approx(1)


def test_rows_of_equal_weights_do_not_widen() -> None:
    flat = small("softmax", NEIGHBOURS.vocabulary)
    with torch.no_grad():
        for block in flat.blocks:
            block.attn.q.weight.zero_()
        assert spread_slope(flat, drawn(NEIGHBOURS, 4), NEIGHBOURS.degree) == pytest.approx(0, abs=0.02)
        numbers = sharpest(flat, drawn(replace(NEIGHBOURS), 2))
    assert (numbers["max_b"], numbers["spikiness"]) == (pytest.approx(1 / 64), pytest.approx(1))


def test_temperatures_are_read_by_layer_and_kind() -> None:
    is_noise = (np.arange(DENOISING.vocabulary) >= DENOISING.classes).astype(np.int64)
    found = by_kind(small("selective", DENOISING.vocabulary), drawn(DENOISING, 2), is_noise, (0, 1))
    assert {name: np.shape(value) for name, value in found.items()} == {"tau_query": (2, 2), "tau_value": (2, 2)}
    assert by_kind(small("softmax", DENOISING.vocabulary), drawn(DENOISING, 2), is_noise, (0, 1)) == {}


def test_equal_seeds_give_equal_weights_and_only_temperatures_besides() -> None:
    softmax, selective = (small_decoder(name, 30, 32, seed=3) for name in ("softmax", "selective"))
    theirs = selective.state_dict()
    assert all(torch.equal(one, theirs[name]) for name, one in softmax.state_dict().items())
    assert count(selective).counted == 2 * 2 * (16 + 1) == selective.num_parameters() - softmax.num_parameters()


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome_of(
        ExperimentRequest("E4", "smoke", 1, tmp_path_factory.mktemp("whole")), lambda *_: None, lambda *_: None
    )


def test_the_smoke_size_runs_from_end_to_end(smoke: Outcome) -> None:
    assert len(smoke.trials) == len(EXPERIMENT.trials(SIZES["smoke"], 1)) == 9
    assert {one.answer for one in EXPERIMENT.judge(smoke)} == {"too few seeds"}
    drawn = EXPERIMENT.results(smoke)
    assert [name for name, one in drawn.items() if not one.figure().data] == []


@pytest.mark.slow  # a minute; test_experiments_sequences.py has the same of shorter courses
def test_a_stopped_run_gives_what_a_whole_one_gives(smoke: Outcome, tmp_path: Path) -> None:
    asked, seen = ExperimentRequest("E4", "smoke", 1, tmp_path), []

    def watch(words: str, done: int, total: int) -> None:
        seen.append(words)
        if words == f"tempering {LAST}" and done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        outcome_of(asked, watch, lambda *_: None)
    seen.clear()
    gone_on = outcome_of(asked, lambda words, *_: seen.append(words), lambda *_: None)
    assert [one.numbers for one in gone_on.trials] == [one.numbers for one in smoke.trials]
    assert set(seen) == {f"tempering {LAST}"}


def test_every_arm_reports_what_learned_and_the_losses(smoke: Outcome) -> None:
    for arm in ARMS:
        numbers = smoke.where(**arm).trials[0].numbers
        trained = numbers["trained_parameters"]
        assert numbers["new_parameters"] == (trained if arm["variant"] == "selective" else 0)
        assert numbers["percent"] == pytest.approx(100 * trained / numbers["parameters"], rel=1e-5)
        assert numbers["gained"] == pytest.approx(numbers["loss_before"] - numbers["loss_after"], abs=2e-5)  # rounded


def test_about_as_many_norm_gains_learn_as_temperatures(smoke: Outcome) -> None:
    own = smoke.where(task="tempering", model="own")
    temperatures, gains = (own.where(learned=name).trials[0].numbers for name in ("temperatures", "norm gains"))
    assert temperatures["trained_parameters"] - gains["trained_parameters"] == 2 * LANGUAGE[SIZES["smoke"]].layers
    assert gains["loss_attached"] == gains["loss_before"] == temperatures["loss_before"]


def test_own_models_are_of_the_size_of_the_same_name_and_have_not_met_the_held_out_windows() -> None:
    assert [LANGUAGE[one] for one in SIZES.values()] == list(language_models.SIZES.values())
    for size in language_models.SIZES.values():
        assert fields_of(language_recipe(Trial({"variant": "softmax"}, 5), size).data).split_seed == Stdlib().split_seed


BETTER: Numbers = {"excess": 0.1, "noise_share": 0.1, "slope": 0.8, "found": [1.0, 0.9], "max_b": [1.0, 0.8]}
WORSE: Numbers = {"excess": 0.5, "noise_share": 0.4, "slope": 0.2, "found": [1.0, 0.3], "max_b": [1.0, 0.1]}


def made(selective: Numbers, softmax: Numbers, percent: float, after: float) -> Outcome:
    """An outcome of three seeds that agree."""
    numbers = {"selective": {**selective, "percent": percent}, "softmax": {**softmax, "percent": 0.0}}
    tempered = {"loss_before": 3.0, "loss_after": after, "gained": 3.0 - after, "percent": percent}
    tempered |= {"new_parameters": 10, "parameters": 1000}
    conditions = [({"variant": variant, "task": task}, numbers[variant]) for variant in numbers for task in TASKS]
    conditions += [(arm, tempered if arm["learned"] == "temperatures" else {"gained": 0.0}) for arm in ARMS]
    trials = [TrialOutcome(Trial(arm, seed), found, 0.0) for seed in range(3) for arm, found in conditions]
    return Outcome("E4", "made", {}, {}, tuple(trials))


def test_who_asks_for_a_model_that_is_being_trained_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, begun = language_recipe(Trial({"variant": "softmax"}, 0), language_models.SIZES["smoke"]), []

    def slow(recipe: Recipe, folder: Path, show: Any, *, more: Any) -> None:
        begun.append(folder)
        sleep(0.3)
        folder.mkdir()
        (folder / "model.safetensors").touch()
        write_json(folder / "recipe.json", recipe.to_plain())

    monkeypatch.setattr(trained_once, "train", slow)
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda folder: trained_once.trained_once(asked, folder, watch_no_trial), [tmp_path / "one"] * 2)
        )
    assert (begun, found) == ([tmp_path / "one"], [tmp_path / "one"] * 2)


def test_verdicts_follow_the_numbers() -> None:
    assert {one.answer for one in EXPERIMENT.judge(made(BETTER, WORSE, 0.1, 2.9))} == {"reproduced"}
    assert {one.answer for one in EXPERIMENT.judge(made(WORSE, BETTER, 0.6, 3.1))} == {"opposite"}
    alike = EXPERIMENT.judge(made(BETTER, BETTER, 0.1, 3.0))
    assert [one.answer for one in alike if "0.5 %" not in one.claim] == ["no difference"] * 9
    blind = BETTER | {"slope": 0.2, "found": [1.0, 0.05]}
    answers = [one.answer for one in EXPERIMENT.judge(made(blind, blind, 0.1, 2.9))]
    assert answers[3:6] == ["not measurable"] * 3 and answers.count("not measurable") == 3
