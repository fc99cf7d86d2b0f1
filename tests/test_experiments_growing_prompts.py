"""E2: texts of ones and zeros say what is so, pairs differ by a token, slopes are those of their law, verdicts hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headscope import load
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Trial, TrialOutcome
from headscope.interp.experiments.e2_growing_prompts.growing_prompts import EXPERIMENT, judge
from headscope.interp.experiments.e2_growing_prompts.sequence_models import QUESTION, SIZES, sequence_model
from headscope.interp.experiments.e2_growing_prompts.sequence_questions import (
    GROWTH,
    QUESTIONS,
    asked_sequences,
    distance_numbers,
    geometric_mean,
    lengths,
    question_pairs,
    right_share,
    sequence_of,
)
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.models.data.table import fields_of
from headscope.models.data.tasks.ones_and_zeros import COUNTS, SEARCHES, ones_and_zeros_documents
from headscope.models.data.text.corpus import prepare_corpus

SMOKE = SIZES["smoke"]


def quiet(*anything: Any) -> None:
    """Watches nothing."""


@pytest.fixture(scope="module")
def request_of_both(tmp_path_factory: pytest.TempPathFactory) -> ExperimentRequest:
    return ExperimentRequest("E2", "smoke", 2, tmp_path_factory.mktemp("experiments"))


@pytest.fixture(scope="module")
def outcome(request_of_both: ExperimentRequest) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(request_of_both.root / "cache"))
        return outcome_of(request_of_both, quiet, quiet)


@pytest.fixture(scope="module")
def model(request_of_both: ExperimentRequest, outcome: Outcome) -> HookedModel:
    trial = outcome.where(variant="cog").trials[0].trial
    return load(sequence_model(trial, SMOKE, request_of_both.place(trial), quiet))


def digits_of(text: str) -> list[str]:
    return [word for word in text.split() if word in ("0", "1")]


def test_every_text_says_what_is_so() -> None:
    documents = list(ones_and_zeros_documents(400, 20))
    for document in documents:
        digits, answer = digits_of(document.text), document.text.split()[-1]
        assert 1 <= len(digits) <= 20
        if any(document.text.startswith(question) for question in COUNTS):
            assert answer == f"n{digits.count('1')}"
        else:
            assert any(document.text.startswith(question) for question in SEARCHES)
            assert answer == ("yes" if "0" in digits else "no")
    assert {document.text.split()[-1] for document in documents} > {"yes", "no", "n1", "n20"}


def test_there_are_twenty_questions_of_each_kind_and_a_context_holds_them() -> None:
    assert all(len(set(questions)) == len(questions) >= 20 for questions in QUESTIONS.values())
    assert (
        max(len(question.replace("?", " ?").replace(".", " .").split()) for question in COUNTS + SEARCHES)
        <= QUESTION - 3
    )


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_pair_ends_alike_and_differs_by_one_token(kind: str, model: HookedModel) -> None:
    tokenizer = tokenizer_of(model)
    assert tokenizer is not None
    for pair, n in zip(question_pairs(kind, QUESTIONS[kind][0], tokenizer, [2, 7]), (2, 7), strict=True):
        first, second = (tokenizer.decode(list(ids)) for ids in (pair.first, pair.second))
        assert pair.first[0] == tokenizer.bos_token_id and pair.first[-1] == pair.second[-1]
        assert digits_of(second) == ["1"] * n
        assert digits_of(first) == (["1"] * (n - 1) if kind == "count_ones" else ["0", *["1"] * (n - 1)])


def test_lengths_grow_tenfold_to_the_longest_of_training() -> None:
    n = lengths(SIZES["default"])
    assert n[-1] == SIZES["default"].longest and n[-1] / n[0] == pytest.approx(GROWTH, rel=0.05)
    assert len(n) == SIZES["default"].points


def test_every_word_of_a_prompt_is_a_token_of_the_models(outcome: Outcome, request_of_both: ExperimentRequest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(request_of_both.root / "cache"))
        data = fields_of({"source": "ones_and_zeros", "context": 128, "vocabulary": 176, "windows": "documents"})
        tokenizer = prepare_corpus(data).tokenizer
    for sequences in asked_sequences(SIZES["default"]).values():
        for sequence in sequences:
            ids = tokenizer(f"{sequence.prompt} {sequence.answer}")["input_ids"]
            assert tokenizer.unk_token_id not in ids and len(ids) < 128 - 1


def test_a_right_answer_is_the_likeliest_word_but_for_the_digits(model: HookedModel) -> None:
    sequence = sequence_of(f"{SEARCHES[0]} 1 0 1 yes")
    assert (sequence.prompt[-5:], sequence.answer) == ("1 0 1", "yes")
    assert right_share(model, [sequence]) in (0.0, 1.0)


def test_a_mean_of_distances_is_that_of_their_logarithms() -> None:
    assert geometric_mean([[1.0, 4.0], [4.0, 4.0]]) == pytest.approx([2.0, 4.0])
    assert geometric_mean([[0.0], [4.0]]) == [0.0]


def test_the_slope_is_that_of_the_curve_beside_unrelated_prompts(model: HookedModel) -> None:
    numbers = distance_numbers("count_ones", model, SMOKE)
    n, over = np.log(numbers["count_ones_n"]), np.log(numbers["count_ones_over_unrelated"])
    assert numbers["count_ones_slope"] == pytest.approx(np.polyfit(n, over, 1)[0], rel=1e-4)
    assert numbers["count_ones_apart"] == numbers["count_ones_over_unrelated"][0] > 0


GOOD = {"count_ones_slope": -1.0, "find_a_zero_slope": -0.9, "count_ones_apart": 0.5, "find_a_zero_apart": 0.5}

BLIND = {"find_a_zero_apart": 0.01}


def verdicts(softmax: dict[str, float], cog: dict[str, float]) -> list[str]:
    """Of three seeds a little apart."""
    trials = tuple(
        TrialOutcome(Trial({"variant": variant}, seed), {name: x + 0.01 * seed for name, x in numbers.items()}, 1.0)
        for seed in range(3)
        for variant, numbers in (("softmax", GOOD | softmax), ("cog", GOOD | cog))
    )
    return [str(item.answer) for item in judge(Outcome("E2", "default", {}, {}, trials, EXPERIMENT.version))]


@pytest.mark.parametrize(
    ("softmax", "cog", "answers"),
    [
        ({}, {"count_ones_slope": -0.5}, ["reproduced", "reproduced"]),
        ({}, {"count_ones_slope": -1.5}, ["opposite", "reproduced"]),
        ({}, {"count_ones_slope": -0.5, "find_a_zero_slope": -0.4}, ["reproduced", "opposite"]),
        (
            {"find_a_zero_apart": 0.01},
            {"count_ones_slope": -0.5, "find_a_zero_apart": 0.01},
            ["reproduced", "not measurable"],
        ),
    ],
)
def test_a_claim_fails_by_its_own_number_alone(
    softmax: dict[str, float], cog: dict[str, float], answers: list[str]
) -> None:
    assert verdicts(softmax, cog) == answers


def test_a_run_leaves_a_report_with_every_figure(outcome: Outcome, tmp_path: Path) -> None:
    written = publish(EXPERIMENT, outcome, tmp_path)
    assert [path.stem for path in written if path.suffix == ".csv"] == list(EXPERIMENT.results(outcome))
    assert all(result.figure().data for result in EXPERIMENT.results(outcome).values())
