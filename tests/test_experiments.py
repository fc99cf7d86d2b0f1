"""Experiments: trials are kept as they finish, verdicts follow their rule, what is published says what was measured."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import numpy as np
import pytest
from typer.testing import CliRunner

from headscope.app.terminal.command import command
from headscope.interp.arms.arms import arm_curves, arm_grid, arm_numbers, arms
from headscope.interp.arms.claim_intervals import chance_answers, chance_words, claim_intervals
from headscope.interp.arms.evidence import Answer, evidence_behind, reason_of
from headscope.interp.arms.outcome import Outcome, read_outcome
from headscope.interp.arms.trial import DIVERGED, Numbers, Place, Trial, TrialOutcome
from headscope.interp.arms.verdict import (
    Verdict,
    all_of,
    bound_answer,
    equivalence_answer,
    mean_with_spread,
    noninferiority_answer,
    superiority_answer,
)
from headscope.interp.experiments.engine import publishing, running, table
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.publishing import (
    all_shipped_names,
    claims_markdown_details,
    claims_markdown_table,
    publish,
    read_publication,
    shipped,
    shipped_claims,
    shipped_verdicts,
)
from headscope.interp.experiments.engine.report import verdict_table
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, rounded, watch_no_trial
from headscope.interp.figures.palette.answers import ANSWERS, answer_colour
from headscope.interp.results.about import About
from headscope.models.io.foreign_input import ForeignInputError

ABOUT = About(title="A number", unit="1", law="x", source="headscope")


@dataclass(frozen=True)
class Size:
    """Nothing but how much is added."""

    more: int


def small(calls: list[str]) -> Experiment:
    """An experiment that adds up what it is told."""

    def measure(trial: Trial, size: Size, place: Place, watch: Watch) -> Numbers:
        calls.append(trial.key)
        watch("adding", 1, 1)
        number = float(trial.condition["base"]) + size.more + 0.1 * trial.seed
        return {"number": number, "curve": [number, 2 * number]}

    def judge(outcome: Outcome) -> list[Verdict]:
        found = [part.sample("number") for _, part in outcome.split("base")]
        return [
            Verdict(
                "two is above | one", "yes", mean_with_spread(found[1]), superiority_answer(*found[::-1]), "two | one"
            )
        ]

    return Experiment(
        "E0",
        "Is two more than one?",
        "arithmetic",
        {"smoke": Size(0), "default": Size(10)},
        lambda size, seeds: [Trial({"base": base, "kind": "k"}, seed) for seed in range(seeds) for base in (1, 2)],
        measure,
        judge,
        lambda outcome: {"number": arm_numbers(arms(outcome, "base"), "number", ABOUT)},
        "Nothing is trained.",
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the trials that the small experiment measured, which stands in the table as E0."""
    made: list[str] = []
    known: dict[str, Any] = {"headscope.interp.experiments.small": SimpleNamespace(EXPERIMENT=small(made))}
    load = table.import_module
    monkeypatch.setitem(table.MODULES, "E0", "small")
    monkeypatch.setattr(table, "import_module", lambda name: known.get(name) or load(name))
    return made


@pytest.fixture
def asked(tmp_path: Path, calls: list[str]) -> ExperimentRequest:
    return ExperimentRequest("E0", "smoke", 3, tmp_path)


def finished(done: int, total: int) -> None:
    """Nobody counts."""


def test_a_trial_is_measured_once(asked: ExperimentRequest, calls: list[str]) -> None:
    first = outcome_of(asked, watch_no_trial, finished)
    again = outcome_of(asked, watch_no_trial, finished)
    assert len(calls) == len(set(calls)) == 6
    assert first.trials == again.trials


def test_a_stopped_run_goes_on_with_what_is_missing(asked: ExperimentRequest, calls: list[str]) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcome_of(asked, watch_no_trial, stop)
    assert len(calls) == 2
    assert len(outcome_of(asked, watch_no_trial, finished).trials) == 6 and len(calls) == 6


def test_more_seeds_keep_those_that_were_measured(asked: ExperimentRequest, calls: list[str]) -> None:
    outcome_of(asked, watch_no_trial, finished)
    assert outcome_of(replace(asked, seeds=4), watch_no_trial, finished).seeds == 4 and len(calls) == 8


def test_trials_of_other_numbers_are_refused(asked: ExperimentRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome_of(asked, watch_no_trial, finished)
    changed = replace(table.experiment_named("E0"), sizes={"smoke": Size(5)})
    monkeypatch.setattr(running, "experiment_named", lambda name: changed)
    with pytest.raises(ValueError, match="holds trials with more 0; the size 'smoke' has 5 now"):
        outcome_of(asked, watch_no_trial, finished)


def of_version(version: int) -> Any:
    """The small experiment with another version of its measure, as a table would give it."""
    changed = replace(table.experiment_named("E0"), version=version)
    return lambda name: changed


def test_trials_of_another_version_of_the_measure_are_refused_before_any_runs(
    asked: ExperimentRequest, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome_of(asked, watch_no_trial, finished)
    (asked.folder / "trials" / "2_k_2" / "result.json").unlink()  # it was not finished
    monkeypatch.setattr(running, "experiment_named", of_version(2))
    with pytest.raises(ValueError, match=r"trials of version 1 of the measure of E0, which has version 2 now: give"):
        outcome_of(asked, watch_no_trial, finished)
    assert len(calls) == 6


def test_a_folder_that_says_no_version_is_of_the_first(
    asked: ExperimentRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome_of(asked, watch_no_trial, finished)
    (asked.folder / "version.json").unlink()
    assert outcome_of(asked, watch_no_trial, finished).version == 1
    (asked.folder / "version.json").unlink()
    monkeypatch.setattr(running, "experiment_named", of_version(2))
    with pytest.raises(ValueError, match="trials of version 1"):
        outcome_of(asked, watch_no_trial, finished)


def test_results_without_a_version_are_of_the_first_and_those_of_another_are_not_judged(
    asked: ExperimentRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path, *_] = publish(table.experiment_named("E0"), outcome_of(asked, watch_no_trial, finished), tmp_path / "out")
    fields = json.loads(path.read_text(encoding="utf-8"))
    assert fields.pop("version") == 1
    path.write_text(json.dumps(fields), encoding="utf-8")
    assert read_publication(path).outcome.version == 1
    monkeypatch.setattr(publishing, "experiment_named", of_version(2))
    with pytest.raises(ForeignInputError, match=r"version 1 of its measure, and its rules judge version 2: run `head"):
        read_publication(path)


def test_two_trials_of_one_name_are_refused(asked: ExperimentRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = replace(table.experiment_named("E0"), trials=lambda size, seeds: [Trial({"base": 1}, 0)] * 2)
    monkeypatch.setattr(running, "experiment_named", lambda name: twins)
    with pytest.raises(ValueError, match="two trials of one name"):
        outcome_of(asked, watch_no_trial, finished)


@pytest.mark.parametrize(
    ("larger", "smaller", "answer"),
    [
        ([2.0, 2.1, 2.2], [1.0, 1.1, 1.2], "reproduced"),
        ([1.0, 1.1, 1.2], [2.0, 2.1, 2.2], "opposite"),
        ([1.0, 2.0, 3.0], [1.1, 1.9, 3.1], "not seen"),
        ([1.1, 2.1, 3.1], [1.0, 2.0, 3.0], "reproduced"),  # seed by seed, whatever the seeds do to both
        ([2.0], [1.0], "too few seeds"),
        ([2.0, np.nan, 2.2], [1.0, 1.1, 1.2], "not measured"),
    ],
)
def test_a_difference_counts_beyond_its_spread(larger: list[float], smaller: list[float], answer: str) -> None:
    assert superiority_answer(np.array(larger), np.array(smaller)) == answer


@pytest.mark.parametrize(
    ("apart", "at_least", "same"),
    [
        ([0.0, 0.01, -0.01], "reproduced", "reproduced"),
        ([-0.3, -0.31, -0.29], "opposite", "opposite"),
        ([0.3, 0.31, 0.29], "reproduced", "opposite"),
        ([-0.2, 0.1, 0.2], "not seen", "not seen"),
        ([-0.07, -0.1, -0.13], "not seen", "not seen"),
        ([0.0, np.nan, 0.0], "not measured", "not measured"),
    ],
)
def test_at_least_as_good_and_alike_need_the_interval_within_the_margin(
    apart: list[float], at_least: str, same: str
) -> None:
    one = np.array(apart) + 1
    assert (noninferiority_answer(one, np.ones(3), 0.1), equivalence_answer(one, np.ones(3), 0.1)) == (at_least, same)


def test_the_rule_is_wrong_as_often_as_it_says() -> None:
    dice = np.random.default_rng(0)
    answers = [superiority_answer(dice.normal(size=3), dice.normal(size=3)) for _ in range(2000)]
    for answer in ("reproduced", "opposite"):
        assert 0.035 < answers.count(answer) / len(answers) < 0.065


def test_a_bound_is_one_and_samples_have_the_same_seeds() -> None:
    low = np.array([1.0, 1.1, 1.2])
    assert [bound_answer(low, below=1.5), bound_answer(low, above=1.5)] == ["reproduced", "opposite"]
    with pytest.raises(ValueError, match="one bound"):
        bound_answer(low)
    with pytest.raises(ValueError, match="these have 3 and 2"):
        superiority_answer(low, low[:2])


def test_a_trial_that_diverges_is_kept_and_not_measured(
    asked: ExperimentRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = table.experiment_named("E0")

    def diverge(trial: Trial, size: Any, place: Place, watch: Watch) -> Numbers:
        if trial.matches(base=2) and trial.seed == 1:
            raise FloatingPointError("the loss of step 3 is nan")
        return whole.measure(trial, size, place, watch)

    monkeypatch.setattr(running, "experiment_named", lambda name: replace(whole, measure=diverge))
    outcome = outcome_of(asked, watch_no_trial, finished)
    assert outcome_of(asked, watch_no_trial, finished).trials == outcome.trials
    assert np.isnan(outcome.where(base=2).sample("curve")[1]).all()
    assert whole.judge(outcome)[0].answer == "not measured"
    with pytest.raises(ValueError, match="has no number 'other'"):
        outcome.sample("other")


@pytest.mark.parametrize(
    ("answers", "whole"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "not seen"], "not seen"),
        (["reproduced", "opposite"], "not seen"),
        (["opposite", "opposite"], "opposite"),
        (["reproduced", "too few seeds"], "too few seeds"),
    ],
)
def test_a_claim_of_several_parts_needs_all_of_them(answers: list[Any], whole: str) -> None:
    assert all_of(answers) == whole


def test_numbers_keep_six_digits_and_what_is_not_finite_is_none() -> None:
    assert rounded({"a": [1.23456789, float("nan"), float("inf")], "b": 3}) == {"a": [1.23457, None, None], "b": 3}


def test_arms_hold_means_and_spreads_over_seeds(asked: ExperimentRequest) -> None:
    found = arms(outcome_of(asked, watch_no_trial, finished), "base")
    numbers, curves = arm_numbers(found, "number", ABOUT), arm_curves(found, "curve", (1, 2), ABOUT, "x")
    np.testing.assert_allclose(numbers.value.numpy(), [[1, 1.1, 1.2], [2, 2.1, 2.2]], rtol=1e-6)
    np.testing.assert_allclose(curves.mean.numpy(), [[1.1, 2.2], [2.1, 4.2]], rtol=1e-6)
    np.testing.assert_allclose(curves.spread.numpy(), [[0.1, 0.2], [0.1, 0.2]], rtol=1e-6)


def test_a_grid_has_holes_where_there_was_no_trial() -> None:
    places = [("a", 1, 1), ("a", 1, 2), ("a", 2, 1)]
    trials = [TrialOutcome(Trial({"arm": a, "N": n, "t": t}, 0), {"number": float(n * t)}, 1.0) for a, n, t in places]
    grid = arm_grid(arms(Outcome("E0", "smoke", {}, {}, tuple(trials)), "arm"), "number", "N", "t", ABOUT)
    np.testing.assert_array_equal(grid.mean[0].numpy(), [[1, 2], [2, np.nan]])
    assert len(grid.figure().to_dict()["data"]) == 1


def test_what_is_published_reads_back(asked: ExperimentRequest, tmp_path: Path) -> None:
    outcome = outcome_of(asked, watch_no_trial, finished)
    written = publish(table.experiment_named("E0"), outcome, tmp_path / "out")
    assert read_outcome(written[0]).trials == outcome.trials
    page = written[1].read_text(encoding="utf-8")
    assert "reproduced" in page and "2.1 ± 0.1" in page and 'src="http' not in page
    assert {path.name for path in written[2:]} == {"number.html", "number.csv"}


def test_the_command_prints_the_verdicts_and_the_report(calls: list[str], tmp_path: Path) -> None:
    said = CliRunner().invoke(command, ["experiment", "e0", "--smoke", "--out", str(tmp_path)])
    assert said.exit_code == 0 and "reproduced" in said.output and "report.html" in said.output
    assert json.loads((tmp_path / "E0" / "smoke" / "results.json").read_text())["experiment"] == "E0"


@pytest.mark.parametrize(
    ("words", "refusal"),
    [(["E99"], "unknown experiment 'E99'"), (["E7", "--smoke", "--full"], "two sizes; give one")],
)
def test_the_command_refuses_clearly(words: list[str], refusal: str) -> None:
    said = CliRunner().invoke(command, ["experiment", *words])
    assert said.exit_code == 1 and refusal in " ".join(said.output.split())


@pytest.mark.parametrize("name", list(table.MODULES))
def test_every_experiment_has_its_sizes_and_distinct_trials(name: str) -> None:
    experiment = table.experiment_named(name)
    assert experiment.name == name and set(experiment.sizes) == {"smoke", "default", "full"}
    for size in experiment.sizes.values():
        keys = [trial.key for trial in experiment.trials(size, 3)]
        assert len(keys) == len(set(keys)) and len(keys) > 0


@pytest.mark.parametrize("name", all_shipped_names())
@pytest.mark.parametrize("of_first_arm", [1, 99], ids=["first trial", "first arm"])
def test_what_diverged_is_not_measured_and_the_rest_is_drawn(name: str, of_first_arm: int) -> None:
    one = shipped(name)
    arm = one.outcome.trials[0].trial.condition
    gone = [each for each in one.outcome.trials if each.trial.condition == arm][:of_first_arm]
    trials = [replace(each, numbers={DIVERGED: 1}) if each in gone else each for each in one.outcome.trials]
    outcome = replace(one.outcome, trials=tuple(trials))
    answers = {verdict.answer for verdict in one.experiment.judge(outcome)}
    assert "not measured" in answers
    assert all(len(result.figure().to_dict()["data"]) > 0 for result in one.experiment.results(outcome).values())


def test_the_shipped_results_are_judged_and_drawn() -> None:
    assert all_shipped_names() == list(table.MODULES)
    for one in map(shipped, all_shipped_names()):
        assert one.outcome.size == "default" and one.outcome.seeds >= 3
        assert len(one.to_frame()) == len(one.verdicts) > 0
        assert one._repr_html_().count("<tr>") == len(one.verdicts) + 1 and len(repr(one)) < 500
        for result in one.results.values():
            assert len(result.figure().to_dict()["data"]) > 0 and len(result.to_frame()) > 0


def test_the_table_has_a_short_line_for_every_verdict_and_the_details_all_that_is_known() -> None:
    verdicts = [verdict for items in shipped_verdicts().values() for verdict in items]
    lines, details = claims_markdown_table().splitlines(), claims_markdown_details()
    settings = {table.experiment_named(name).setting for name in all_shipped_names()}
    assert len(lines) == len(verdicts) + 2 + len(settings) and max(map(len, lines)) < 80
    assert len({verdict.name for verdict in verdicts}) == len(verdicts)
    assert all(verdict.claim.replace("|", "\\|") in details for verdict in verdicts)


def test_every_answer_has_a_look_of_its_own_colour_or_shape() -> None:
    assert {*ANSWERS} == {*get_args(Answer)}
    assert len({*ANSWERS.values()}) == len(ANSWERS) - 1  # neither too few seeds nor no number can be drawn


def test_the_forest_has_a_row_for_every_part_of_a_claim_and_says_each_answer() -> None:
    forest = shipped_claims()
    parts = [evidence_behind(verdict.answer) for items in shipped_verdicts().values() for verdict in items]
    assert len(forest.mean) == sum(map(len, parts)) == len(forest.answers) == len({*forest.labels["claim"]})
    assert (forest.low <= forest.mean).all() and (forest.mean <= forest.high).all()
    words = [trace.text for trace in forest.figure().data if trace.mode == "text"]
    assert words == [forest.answers]


def test_a_claim_is_right_of_its_bound_in_the_forest_where_it_is_reproduced_and_left_where_opposite() -> None:
    forest = shipped_claims()
    for at, answer in enumerate(forest.answers):
        if answer in ("reproduced", "opposite") and forest.bound[at, 1].isnan():
            beyond = forest.low[at] > forest.bound[at, 0], forest.high[at] < forest.bound[at, 0]
            assert beyond == (answer == "reproduced", answer == "opposite"), forest.labels["claim"][at]


def test_chance_gives_a_twentieth_of_the_claims_that_have_an_interval_to_either_side() -> None:
    seen = bound_answer(np.array([0.9, 0.91, 0.92]), above=0.8)
    verdicts = [Verdict("", "", "", answer, "") for answer in (seen, seen, cast(Answer, "not measured"))]
    assert chance_answers(verdicts) == pytest.approx(0.1)
    assert chance_words(verdicts).endswith("of these 2, 0.1 each by chance.")
    with pytest.raises(ValueError, match="no claim has an interval"):
        claim_intervals({"E0": verdicts[2:]})


def test_a_smoke_trial_repeats_bit_for_bit(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        request = ExperimentRequest("E5", "smoke", 1, folder)
        trial = table.experiment_named("E5").trials(table.experiment_named("E5").size("smoke"), 1)[1]
        running.measure(request, trial)
    names = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.safetensors"))
    assert names and all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
    first, second = (json.loads(path.read_text()) for folder in folders for path in folder.rglob("result.json"))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


@pytest.mark.parametrize("name", ["E5", "E2"])
def test_it_runs_from_end_to_end(name: str, tmp_path: Path) -> None:
    outcome = outcome_of(ExperimentRequest(name, "smoke", 2, tmp_path), watch_no_trial, finished)
    experiment = table.experiment_named(name)
    written = publish(experiment, outcome, tmp_path / "out")
    assert len(written) == 2 + 2 * len(experiment.results(outcome)) and len(outcome.trials) > 0


def test_an_answer_knows_its_interval_and_its_bound_and_a_claim_of_parts_those_of_each() -> None:
    above, near = np.array([0.9, 0.91, 0.92]), np.array([0.5, 0.51, 0.52])
    answer = bound_answer(above, above=0.8)
    assert answer == "reproduced" and reason_of(answer) == "0.893 … 0.927, bound 0.8"
    both = all_of([answer, superiority_answer(near, above)])
    assert both == "not seen" and reason_of(both).startswith("0.893 … 0.927, bound 0.8; -0.4")
    table = verdict_table([Verdict("a claim", "", "", both, "claim")])
    assert "bound 0.8" in table and f"solid {answer_colour('not seen')}'>not seen</td>" in table
