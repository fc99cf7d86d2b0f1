"""Answers of hand-made samples: what is known is answered, and which answer goes before which."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from headscope.interp.arms.budgets import LeadBySteps, budget_answer, lead_by_steps
from headscope.interp.arms.by_budget import lead_by_budgets
from headscope.interp.arms.evidence import evidence_behind, notes_beside, reason_of
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.verdict import (
    all_of,
    answer_in_words,
    bound_answer,
    equivalence_answer,
    measurable_answer,
    noninferiority_answer,
    superiority_answer,
)

M = Margin(0.1, "a tenth")
STEPS = (0, 100, 200, 300, 400, 500)
SEEDS = np.array([[-0.01], [0.0], [0.01]])


def apart(*differences: float) -> Any:
    """The answer to a claim that differences over seeds are above 0."""
    return superiority_answer(np.array(differences), np.zeros(len(differences)), M)


@pytest.mark.parametrize(
    ("differences", "answer"),
    [
        ((0.3, 0.31, 0.29), "reproduced"),
        ((-0.3, -0.31, -0.29), "opposite"),
        ((0.01, -0.01, 0.0), "no difference"),
        ((0.0, 0.0, 0.0), "no difference"),
        ((0.03, 0.031, 0.029), "reproduced"),  # small, and yet on one side: what was there goes first
        ((0.2, -0.2, 0.0), "not seen"),
        ((0.06, 0.12, -0.01), "not seen"),  # its mean lies within the margin, its interval does not
        ((0.01,), "too few seeds"),
        ((0.01, float("nan"), 0.0), "not measured"),
    ],
)
def test_what_lies_within_the_margin_and_on_no_side_is_no_difference(
    differences: tuple[float, ...], answer: str
) -> None:
    assert apart(*differences) == answer


def test_a_claim_without_a_margin_is_never_answered_by_it() -> None:
    assert superiority_answer(np.array([0.01, -0.01, 0.0]), np.zeros(3)) == "not seen"


def test_a_bound_takes_the_margin_on_both_of_its_sides() -> None:
    near = np.array([0.49, 0.51, 0.5])
    assert bound_answer(near, above=0.5, margin=M) == bound_answer(near, below=0.5, margin=M) == "no difference"
    assert bound_answer(near, below=0.3, margin=M) == "opposite"


def test_no_difference_is_wrong_in_at_most_five_of_a_hundred() -> None:
    dice = np.random.default_rng(0)
    samples = dice.normal(M.size, 0.02, size=(2000, 4))
    answers = [superiority_answer(sample, np.zeros(4), M) for sample in samples]
    assert answers.count("no difference") / len(answers) < 0.065


def test_a_margin_is_above_nothing() -> None:
    with pytest.raises(ValueError, match="above 0; got 0"):
        Margin(0.0, "none")


FLOOR = Floor(0.3, "slope", "rows are blind")
BLIND, SEEING = np.array([0.0, 0.01, 0.02]), np.array([0.5, 0.51, 0.52])


@pytest.mark.parametrize("before", ["reproduced", "opposite", "no difference", "not seen", "depends on budget"])
def test_blind_arms_are_not_measurable_whatever_they_answer(before: Any) -> None:
    assert measurable_answer(before, [BLIND, BLIND], FLOOR) == "not measurable"
    assert measurable_answer(before, [BLIND, SEEING], FLOOR) == before


@pytest.mark.parametrize("before", ["not measured", "too few seeds"])
def test_what_has_no_number_is_not_blind(before: Any) -> None:
    assert measurable_answer(before, [BLIND, BLIND], FLOOR) == before


def test_what_is_not_measurable_says_its_floor() -> None:
    assert reason_of(measurable_answer(apart(0.3, 0.31, 0.29), [BLIND, BLIND], FLOOR)).endswith(
        "slope: 0.01, 0.01; floor 0.3: rows are blind"
    )


def over_steps(*ahead: float, noise: float = 1.0) -> LeadBySteps:
    """Three seeds about these means, one for each step."""
    return LeadBySteps(np.array(STEPS, float), np.array([ahead]) + noise * SEEDS)


@pytest.mark.parametrize(
    ("answer", "ahead", "after"),
    [
        ("reproduced", (0.0, -0.5, -0.3, -0.1, 0.1, 0.3), "depends on budget"),
        ("opposite", (0.0, 0.5, 0.3, 0.1, -0.1, -0.3), "depends on budget"),
        ("reproduced", (0.0, 0.1, 0.1, 0.1, 0.1, 0.3), "reproduced"),
        ("reproduced", (-0.5, 0.1, 0.1, 0.1, 0.1, 0.3), "reproduced"),  # before training there is no budget
        ("reproduced", (0.0, -0.02, 0.1, 0.1, 0.1, 0.3), "reproduced"),  # beyond 0 alone, and not for all budgets
        ("not seen", (0.0, -0.5, -0.3, -0.1, 0.1, 0.0), "not seen"),
        ("no difference", (0.0, -0.5, -0.3, -0.1, 0.1, 0.0), "no difference"),
        ("not measured", (0.0, -0.5, -0.3, -0.1, 0.1, 0.3), "not measured"),
    ],
)
def test_an_answer_depends_on_the_budget_where_an_earlier_one_is_the_other(
    answer: Any, ahead: tuple[float, ...], after: str
) -> None:
    assert budget_answer(answer, over_steps(*ahead)) == after


def test_the_crossing_is_where_the_mean_and_both_ends_of_its_interval_pass_the_bound() -> None:
    [note] = notes_beside(budget_answer("reproduced", over_steps(0.0, -0.4, -0.2, 0.0, 0.2, 0.4)))
    half = 2.91999 * 0.01 / 3**0.5  # of Student's interval, at .002 a step
    assert note == f"it fails until step 300 ({300 - half / 0.002:.0f} … {300 + half / 0.002:.0f}) and holds after"
    [note] = notes_beside(budget_answer("opposite", over_steps(0.0, 0.4, 0.2, 0.0, -0.2, -0.4)))
    assert note.startswith("it holds until step 300 (292 … 308) and fails after")


def test_an_answer_depends_on_no_budget_by_chance_more_often_than_it_says() -> None:
    dice, answers = np.random.default_rng(0), []
    for _ in range(1000):
        ahead = LeadBySteps(np.array(STEPS, float), dice.normal(size=(3, 6)).cumsum(1))
        answers += [budget_answer("reproduced", ahead)]
    assert answers.count("depends on budget") / len(answers) < 0.065


def test_budgets_that_are_trainings_of_their_own_count_from_the_first_on() -> None:
    ours = np.array([[-0.5, 0.1, 0.1, 0.1, 0.3]]) + SEEDS
    for counted, after in ((lead_by_steps, "reproduced"), (lead_by_budgets, "depends on budget")):
        assert budget_answer("reproduced", counted((10, 100, 200, 300, 500), ours, np.zeros((3, 5)))) == after


def test_a_course_is_counted_from_the_bound_and_an_arm_that_diverged_has_none() -> None:
    ours, other = np.full((3, 6), 0.5), np.full((3, 6), 0.2)
    np.testing.assert_allclose(lead_by_steps(STEPS, ours, other, -0.1).ahead, 0.4)
    gone = lead_by_steps(STEPS, ours, np.full(3, np.nan))
    assert gone.ahead.shape == (3, 6) and gone.budgets().steps.size == 0
    assert budget_answer("reproduced", gone) == "reproduced"


@pytest.mark.parametrize(
    ("answers", "whole"),
    [
        (["no difference", "no difference"], "no difference"),
        (["reproduced", "no difference"], "not seen"),
        (["reproduced", "not measurable"], "not measurable"),
        (["not measurable", "too few seeds"], "too few seeds"),
        (["not measurable", "not measured", "too few seeds"], "not measured"),
    ],
)
def test_a_part_that_has_no_number_decides_for_the_whole(answers: list[Any], whole: str) -> None:
    assert all_of(answers) == whole


def test_an_answer_keeps_its_evidence_in_copies_and_in_claims_of_parts() -> None:
    answer = apart(0.01, -0.01, 0.0)
    assert answer_in_words(answer) == "no difference larger than ±0.1"
    for copied in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert copied == answer and reason_of(copied) == reason_of(answer)
    assert len(evidence_behind(all_of([answer, apart(0.3, 0.31, 0.29)]))) == 2


def test_seeds_are_counted_beside_what_is_not_seen_alone() -> None:
    other = np.array([0.2, -0.2, 0.0])
    for answer in (apart(*other), noninferiority_answer(other, 0 * other, 0.1), equivalence_answer(other, -other, 0.1)):
        assert answer == "not seen" and "80% power" in reason_of(answer)
    assert "power" not in reason_of(apart(0.3, 0.31, 0.29)) + reason_of(apart(0.0, 0.0, 0.0))
