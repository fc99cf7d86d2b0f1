"""E8: every variant has an arm, the rule is what it says, and a run at the smallest size goes on where it stood."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headscope.interp.arms.arm_gains import arm_gains
from headscope.interp.arms.arms import arms
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Trial, TrialOutcome
from headscope.interp.experiments.e8_mechanisms.mechanism_claims import MARGIN, gain_at_equal_time
from headscope.interp.experiments.e8_mechanisms.mechanism_models import (
    SIZES,
    attention_fields,
    mechanism_recipe,
    mechanism_trials,
)
from headscope.interp.experiments.e8_mechanisms.mechanism_readings import (
    induction_numbers,
    repeated_ids,
    sink_numbers,
)
from headscope.interp.experiments.e8_mechanisms.mechanism_results import GAINS
from headscope.interp.experiments.e8_mechanisms.mechanisms import EXPERIMENT
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.models.attention import VARIANTS
from headscope.models.fitting.history import read_history

STEPS = [0, 10, 100, 1000]
TIMED = ("tokens_per_second", "time_over_softmax")


def finished(done: int, total: int) -> None:
    """Nobody counts."""


def trial_of(variant: str, seed: int, above: float, ratio: float) -> TrialOutcome:
    """A trial whose loss falls by 1 a decade of steps, ends above that of softmax, and costs so many times its time."""
    losses = [6.0, 5.0 + above, 4.0 + above, 3.0 + above + 0.001 * seed]
    numbers: Numbers = {"validation_loss": losses[-1], "losses": losses, "steps": STEPS, "time_over_softmax": ratio}
    return TrialOutcome(Trial({"variant": variant}, seed), numbers, 1.0)


def outcome_with(above: float, ratio: float) -> Outcome:
    """Three seeds of softmax and of one other variant."""
    arms_of = (("softmax", 0.0, 1.0), ("relu", above, ratio))
    trials = [trial_of(name, seed, item, time) for seed in range(3) for name, item, time in arms_of]
    return Outcome("E8", "default", {}, {}, tuple(trials))


@pytest.mark.parametrize("size", ["default", "full"])
def test_every_variant_of_the_table_has_an_arm_with_its_own_attention(size: str) -> None:
    trials = mechanism_trials(SIZES[size], 2)
    assert len(trials) == 2 * len(VARIANTS)
    specs = {str(trial.condition["variant"]): mechanism_recipe(trial, SIZES[size]).spec for trial in trials}
    assert {name: spec.variant for name, spec in specs.items()} == {name: name for name in VARIANTS}


def test_recipes_differ_in_their_attention_alone() -> None:
    trials = mechanism_trials(SIZES["default"], 1)
    plain = [mechanism_recipe(trial, SIZES["default"]).to_plain() | {"attention": None} for trial in trials]
    assert all(item == plain[0] for item in plain)


def test_an_arm_takes_the_placement_of_the_shipped_model_of_its_name() -> None:
    assert attention_fields("cog")["layers"] == "inner" and attention_fields("relu") == {"variant": "relu"}


@pytest.mark.parametrize(
    ("above", "ratio", "tokens", "time"),
    [
        (0.0, 1.0, "reproduced", "reproduced"),
        (-0.5, 2.0, "reproduced", "reproduced"),  # half the steps cost 0.30 of a decade, and it is 0.5 ahead
        (0.0, 2.0, "reproduced", "opposite"),
        (2 * MARGIN, 1.0, "opposite", "opposite"),
        (2 * MARGIN, 0.5, "opposite", "reproduced"),
    ],
)
def test_the_claims_are_judged_by_margin_at_equal_tokens_and_at_equal_time(
    above: float, ratio: float, tokens: str, time: str
) -> None:
    verdicts = EXPERIMENT.judge(outcome_with(above, ratio))
    assert [verdict.answer for verdict in verdicts] == [tokens, time]
    assert all(str(MARGIN) in verdict.claim and "perplexity" in verdict.claim for verdict in verdicts)


def test_losses_are_compared_where_both_have_taken_the_time_of_the_one_that_is_done_first() -> None:
    falling = np.array([[6.0, 5.0, 4.0, 3.0]] * 4)
    gain = gain_at_equal_time(falling, falling, STEPS, np.array([1.0, 10.0, 0.1, 1e6]))
    np.testing.assert_allclose(gain, [0.0, -1.0, 1.0, np.nan], atol=1e-12)


def test_a_head_that_reads_what_followed_the_copy_has_an_induction_score_of_1() -> None:
    prompts = repeated_ids(bos=0, vocabulary=50, context=13)
    half = (prompts.shape[1] - 1) // 2
    assert prompts.shape == (8, 13) and (prompts[:, 1 : half + 1] == prompts[:, half + 1 :]).all()
    pattern = torch.zeros(len(prompts), 1, 2, 13, 13)
    pattern[..., 0] = 1.0
    for query in range(half + 1, 13):
        pattern[:, 0, 1, query] = 0.0
        pattern[:, 0, 1, query, query - half + 1] = -0.5  # of either sign
    read = induction_numbers(pattern, prompts)
    assert read["induction"] == pytest.approx(1) and 0 < read["induction_chance"] < 0.2


def test_sink_mass_and_what_rows_leave_out_are_means_over_heads() -> None:
    pattern = torch.zeros(2, 1, 2, 4, 4)
    pattern[:, :, 0, :, 0] = 1.0
    pattern[:, :, 1] = torch.eye(4) / 2
    read = sink_numbers(pattern, [True])
    assert read["sink"] == pytest.approx((1 + 1 / 4) / 2) and read["nothing"] == pytest.approx(0.25)
    assert sink_numbers(pattern, [False])["nothing"] == 0


def test_gains_are_counted_from_the_base_and_drawn_by_name() -> None:
    by_arm = arms(outcome_with(-0.5, 2.0), "variant")
    gains = arm_gains(by_arm, "softmax", "validation_loss", "time_over_softmax", GAINS, "time")
    torch.testing.assert_close(gains.gain, torch.tensor([[0.0] * 3, [0.5] * 3], dtype=torch.float64))
    [marks] = gains.figure().data
    assert marks.text == ("softmax", "relu") and list(marks.x) == [1.0, 2.0]
    with pytest.raises(ValueError, match="no arm is called 'cog'; there are softmax, relu"):
        arm_gains(by_arm, "cog", "validation_loss", "time_over_softmax", GAINS, "time")


def test_a_run_goes_on_with_the_trial_that_is_missing_and_trains_no_model_twice(tmp_path: Path) -> None:
    request = ExperimentRequest("E8", "smoke", 1, tmp_path / "runs")
    first = outcome_of(request, watch_no_trial, finished)
    assert len(first.trials) == len(SIZES["smoke"].variants)
    place = request.place(first.trials[1].trial).own
    lines = read_history(place / "trained" / "history.jsonl")
    (place / "result.json").unlink()
    again = outcome_of(request, watch_no_trial, finished)
    assert read_history(place / "trained" / "history.jsonl") == lines
    untimed = [
        [replace(item, seconds=0.0, numbers=without_times(item)) for item in run.trials] for run in (first, again)
    ]
    assert untimed[0] == untimed[1]
    written = publish(EXPERIMENT, again, tmp_path / "out")
    assert len(written) == 2 + 2 * len(EXPERIMENT.results(again))


def without_times(trial: TrialOutcome) -> Numbers:
    """The numbers of a trial that another run repeats."""
    return {name: value for name, value in trial.numbers.items() if name not in TIMED}
