"""E9: it runs on any folder, goes on where it was stopped, is refused without a model, and is judged by its rules."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import hooked_tiny, tiny_folder
from typer.testing import CliRunner

from headscope.app.terminal.command import command
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Trial, TrialOutcome
from headscope.interp.experiments.e9_real_model.flipped_weights import EDITS, flips
from headscope.interp.experiments.e9_real_model.head_kinds import KINDS
from headscope.interp.experiments.e9_real_model.held_out_text import documents_of, passage, said_twice
from headscope.interp.experiments.e9_real_model.model_folder import FOLDER, real_model_folder
from headscope.interp.experiments.e9_real_model.prompt_collapse import distance_slope
from headscope.interp.experiments.e9_real_model.real_model import EXPERIMENT
from headscope.interp.experiments.e9_real_model.real_model_claims import best_of_others
from headscope.interp.experiments.e9_real_model.real_model_sizes import SIZES
from headscope.interp.experiments.e9_real_model.real_model_trials import ARMS, HEADS, TRAINING
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.running import RESULT, ExperimentRequest, outcome_of, watch_no_trial

SMOKE = SIZES["smoke"]
CONTEXT = 256  # tokens that hold a passage, a question and its growing prompt


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, ExperimentRequest]:
    """The smoke size of one seed, on a tiny folder in the place of the real one."""
    place = tmp_path_factory.mktemp("e9")
    request = ExperimentRequest("E9", "smoke", 1, place)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(FOLDER, str(tiny_folder(place / "tiny", "softmax", context=CONTEXT)))
        return outcome_of(request, watch_no_trial, lambda *_: None), request


def test_the_smoke_size_runs_from_end_to_end(smoke: tuple[Outcome, ExperimentRequest], tmp_path: Path) -> None:
    outcome, request = smoke
    assert len(outcome.trials) == len(EXPERIMENT.trials(SMOKE, 1)) == len(ARMS)
    assert {verdict.answer for verdict in EXPERIMENT.judge(outcome)} == {"too few seeds"}
    results = EXPERIMENT.results(outcome)
    assert [name for name, item in results.items() if not item.figure().data] == []
    assert len(publish(EXPERIMENT, outcome, tmp_path / "out")) == 2 + 2 * len(results)
    assert [*request.folder.rglob("*.safetensors")] == []  # copies of the model are taken away


def test_a_stopped_run_goes_on_with_what_is_missing(
    smoke: tuple[Outcome, ExperimentRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, request = smoke
    monkeypatch.setenv(FOLDER, str(request.root / "tiny"))
    lost = next(trial for trial in EXPERIMENT.trials(SMOKE, 1) if trial.matches(part=HEADS))
    (request.place(lost).own / RESULT).unlink()
    seen: list[str] = []
    again = outcome_of(request, lambda words, *_: seen.append(words), lambda *_: None)
    assert [item.numbers for item in again.trials] == [item.numbers for item in outcome.trials]
    assert seen and not any("training" in words for words in seen)


def test_it_is_refused_without_a_model_and_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="make real-model"):
        real_model_folder()
    said = CliRunner().invoke(command, ["experiment", "E9", "--smoke", "--out", str(tmp_path)])
    assert said.exit_code == 1 and "run `make real-model`" in " ".join(said.output.split())


def test_no_two_seeds_share_a_document_and_too_many_are_refused() -> None:
    names = [{document.name for document in documents_of(seed, SMOKE)} for seed in (0, 1)]
    assert list(map(len, names)) == [SMOKE.names] * 2 and names[0].isdisjoint(names[1])
    with pytest.raises(ValueError, match="give fewer seeds"):
        documents_of(1000, SMOKE)


def test_a_passage_begins_a_text_and_its_first_half_is_said_twice() -> None:
    model = hooked_tiny("softmax")
    prompt = passage(model, 0, SMOKE, 12)
    twice = said_twice(model, prompt).ids
    assert len(prompt) == 12 and prompt.ids[0] == twice[0] == 0
    assert twice[1:6] == twice[6:] == prompt.ids[1:6]


def test_a_flip_is_of_the_largest_weight_and_the_others_are_of_another_visible_key() -> None:
    weights = torch.tensor([[1.0, 0, 0], [0.3, 0.7, 0], [0.6, 0.3, 0.1]])
    largest, another, elsewhere = (edit(weights) for edit in flips(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(largest, torch.tensor([[1.0, 0, 0], [0.3, -0.7, 0], [-0.6, 0.3, 0.1]]))
    torch.testing.assert_close(another[1], torch.tensor([-0.3, 0.7, 0]))
    torch.testing.assert_close(elsewhere.sum(-1), largest.sum(-1))
    for edited in (another, elsewhere):
        changed = edited != weights
        assert changed.sum(-1).tolist() == [0, 1, 1] and not changed.triu(1).any() and not changed[2, 0]


def test_a_slope_is_that_of_a_power() -> None:
    assert distance_slope((1, 10, 100), [2.0, 0.2, 0.02]) == pytest.approx(-1)
    assert np.isnan(distance_slope((1, 10), [1.0, 0.0]))


def test_the_best_head_is_chosen_on_other_passages() -> None:
    above = np.array([[[9.0, 1.0]], [[0.0, 2.0]], [[0.0, 3.0]]])
    np.testing.assert_array_equal(best_of_others(above), [1.0, 0.0, 0.0])


def made(sign: float, seeds: int = 3) -> Outcome:
    """An outcome in which everything lies on one side of its bound, in every seed."""
    heads: Numbers = {"heads": 2} | {kind: [[0.3 * sign, 0.2 * sign]] for kind in KINDS}
    heads |= {f"{kind}, {word}": 1 for kind in KINDS for word in ("chance", "beyond")}
    slopes = {"slope": -sign, "unrelated slope": 0.0}
    edits = dict(zip(EDITS, ([[0.1]], [[0.1 - 0.01 * sign]], [[0.1 - 0.02 * sign]]), strict=True))
    learned = {"loss_before": 3.0, "trained_parameters": 10}
    trials = []
    for trial in EXPERIMENT.trials(SMOKE, seeds):
        gained = 0.1 * sign if trial.matches(learned="temperatures") else 0.0
        numbers = {**heads, **slopes, **edits, **learned, "gained": gained, "loss_after": 3.0 - gained}
        trials.append(TrialOutcome(Trial(trial.condition, trial.seed), numbers, 0.0))
    return Outcome("E9", "made", {}, {}, tuple(trials))


def test_verdicts_follow_the_numbers() -> None:
    assert {verdict.answer for verdict in EXPERIMENT.judge(made(1))} == {"reproduced"}
    assert {verdict.answer for verdict in EXPERIMENT.judge(made(-1))} == {"opposite"}
    nothing = [verdict.answer for verdict in EXPERIMENT.judge(made(0))]
    assert nothing.count("no difference") == len(nothing) - 2  # flips name no margin
    assert {verdict.answer for verdict in EXPERIMENT.judge(made(1, seeds=1))} == {"too few seeds"}


def test_the_better_rate_is_that_which_takes_more_off() -> None:
    outcome = made(1)
    worse = [
        replace(item, numbers={**item.numbers, "gained": -9.0})
        if item.trial.matches(part=TRAINING, rate=3e-3)
        else item
        for item in outcome.trials
    ]
    answers = {item.name: item.answer for item in EXPERIMENT.judge(replace(outcome, trials=tuple(worse)))}
    assert answers["real model: more than norm gains"] == "reproduced"
