"""E1: hand-made heads, what a mirrored head may not change, verdicts on hand-made outcomes, a run end to end."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from headscope import load
from headscope.interp.arms.arm_points import arm_points
from headscope.interp.arms.arms import arms
from headscope.interp.arms.outcome import Outcome, read_outcome
from headscope.interp.arms.trial import Trial, TrialOutcome
from headscope.interp.deletion.name_effects import NameEffects, NegativeHead, name_effects, negative_head
from headscope.interp.deletion.quadrants import masses_with_nulls
from headscope.interp.experiments.e1_indirect_objects.indirect_objects import EXPERIMENT, RIGHT
from headscope.interp.experiments.e1_indirect_objects.minority_signs import DELETES, dealt_deletion, minority_share
from headscope.interp.experiments.e1_indirect_objects.name_circuits import (
    circuit_numbers,
    copying_sign,
    negative_numbers,
)
from headscope.interp.experiments.e1_indirect_objects.story_claims import judge
from headscope.interp.experiments.e1_indirect_objects.story_models import SIZES, STORIES, story_recipe, story_trials
from headscope.interp.experiments.e1_indirect_objects.story_prompts import (
    alike_gifts,
    answer_numbers,
    mixed_gifts,
    story_pairs,
)
from headscope.interp.experiments.engine.publishing import publish, shipped
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, rounded
from headscope.models import zoo
from headscope.models.checkpoints import open_folder
from headscope.models.data.examples import UNASKED
from headscope.models.data.table import fields_of
from headscope.models.data.tasks.names import NAMES, may_meet
from headscope.models.data.text.batches import WINDOWS
from headscope.models.data.text.corpus import prepare_corpus
from headscope.models.hooked import hooked
from headscope.models.training.recipe_file import read_recipe

AS_TRAINED = {"weight", "ov_per_weight", "attention", "quadrants", "negative_quadrants"}  # what a mirrored head changes
GOOD = {
    "accuracy": 1.0,
    "weight": 0.8,
    "effect": -2.0,
    "minority_deletion": 0.4,
    "minority_deletion_null": 0.2,
    "dynamic": 0.7,
    "dynamic_null": 0.6,
    "static": 0.3,
    "static_null": 0.2,
}


def quiet(*anything: Any) -> None:
    """Watches nothing."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> ExperimentRequest:
    return ExperimentRequest("E1", "smoke", 2, tmp_path_factory.mktemp("experiments"))


@pytest.fixture(scope="module")
def outcome(asked: ExperimentRequest) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(asked.root / "cache"))
        return outcome_of(asked, quiet, quiet)


def made(softmax: dict[str, float], cog: dict[str, float]) -> Outcome:
    """Three seeds of both, a little apart."""
    measured = [
        TrialOutcome(Trial({"variant": variant}, seed), rounded({n: x + 0.01 * seed for n, x in numbers.items()}), 1.0)
        for seed in range(3)
        for variant, numbers in (("softmax", softmax), ("cog", cog))
    ]
    return Outcome("E1", "default", {}, {}, tuple(measured))


def answers(outcome: Outcome) -> list[str]:
    return [one.answer for one in judge(outcome)]


def test_what_the_paper_says_is_reproduced() -> None:
    assert set(answers(made(GOOD | {"dynamic": 0.0, "static": 0.6}, GOOD))) == {"reproduced"}


@pytest.mark.parametrize(
    ("at", "softmax", "cog", "answer"),
    [
        (0, {}, {"accuracy": 0.5}, "not seen"),
        (1, {"weight": 0.2}, {}, "opposite"),
        (2, {}, {"minority_deletion": 0.1}, "opposite"),
        (2, {}, {"minority_deletion": 0.21, "minority_deletion_null": 0.2}, "reproduced"),
        (3, {}, {"dynamic": 0.2}, "opposite"),
        (3, {}, {"dynamic_null": 0.8}, "opposite"),
        (4, {"static": 0.1}, {}, "opposite"),
    ],
)
def test_a_claim_fails_by_its_own_number_alone(
    at: int, softmax: dict[str, float], cog: dict[str, float], answer: str
) -> None:
    found = answers(made(GOOD | {"dynamic": 0.0, "static": 0.6} | softmax, GOOD | cog))
    assert found[at] == answer
    assert set(found[:at] + found[at + 1 :]) == {"reproduced"}


def one_prompt(weights: list[float], ov: list[float]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A head of one layer whose last of three positions has these weights; the first name stands at 0 and 2."""
    pattern = torch.zeros(1, 1, 3, 3)
    pattern[0, 0, -1] = torch.tensor(weights)
    return pattern, torch.tensor([[ov]]), torch.full((1, 3, 1), 2.0), torch.tensor([[1, 0, 1], [0, 1, 0]]).bool()


def test_the_effect_on_a_name_is_weight_times_ov_at_all_its_places() -> None:
    found = name_effects(*one_prompt([0.5, -0.25, 0.25], [2.0, 4.0, -4.0]))
    assert_close(found.weight[0, 0, 0], torch.tensor([0.75, -0.25]))
    assert_close(found.effect[0, 0, 0], torch.tensor([(0.5 * 2 - 0.25 * 4) / 2, -0.25 * 4 / 2]))


def test_the_strongest_negative_head_is_sought_in_the_layers_asked_for() -> None:
    effect = torch.zeros(2, 3, 2, 2)
    effect[:, 0, 1, 0], effect[:, 2, 1, 1] = -5.0, -3.0
    assert negative_head(NameEffects(effect, effect), [1, 2]) == NegativeHead(2, 1, 1)


def test_a_head_that_deletes_as_it_copies_has_a_positive_relative_weight() -> None:
    effects = NameEffects(torch.full((4, 1, 1, 2), -0.5), torch.full((4, 1, 1, 2), -1.0))
    assert negative_numbers(effects, NegativeHead(0, 0, 0), sign=-1.0)["relative_weight"] == 0.5
    assert negative_numbers(effects, NegativeHead(0, 0, 0), sign=1.0)["relative_weight"] == -0.5


@pytest.mark.parametrize(
    ("share", "sign"),
    [
        ([0.0, 1.0, 0.0, 0.0], 1.0),  # softmax that deletes alone: its weights are positive
        ([0.6, 0.1, 0.2, 0.1], 1.0),
        ([0.01, 0.5, 0.48, 0.01], float("nan")),
    ],
)
def test_a_head_copies_in_a_sign_that_turns_when_it_is_mirrored(share: list[float], sign: float) -> None:
    copy, ov_deletion, weight_deletion, double_negative = share
    mirrored = torch.tensor([double_negative, weight_deletion, ov_deletion, copy])
    assert copying_sign(torch.tensor(share)) == pytest.approx(sign, nan_ok=True)
    assert copying_sign(mirrored) == pytest.approx(-sign, nan_ok=True)


def people_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text)) & set(NAMES)


def test_no_window_brings_a_held_out_pair_together() -> None:
    recipe = story_recipe(story_trials(SIZES["smoke"], 1)[0], SIZES["smoke"])
    data = fields_of(recipe.data)
    corpus = prepare_corpus(data)
    text, size = corpus.text(corpus.training), {"batch": 500, "context": data.context}
    rows = WINDOWS[data.windows].training(text, seed=0, step=0, **size)
    assert UNASKED in rows
    met = [people_in(corpus.tokenizer.decode(row[row >= 0])) for row in rows]
    assert all(may_meet(tuple(people)) for people in met)
    assert sum(len(people) == 2 for people in met) > 300


def test_a_model_that_deletes_nothing_is_not_measured() -> None:
    nothing = {"minority_deletion": float("nan"), "minority_deletion_null": float("nan")}
    assert answers(made(GOOD | {"dynamic": 0.0, "static": 0.6}, GOOD | nothing))[2] == "not measured"


def one_row(weights: list[float], ov: list[float]) -> tuple[Tensor, Tensor, Tensor]:
    """A head of one layer and one query."""
    return torch.tensor([[[weights]]]), torch.tensor([[ov]]), torch.ones(1, 1, 1)


def test_a_head_that_keeps_its_minority_sign_for_deleting_deletes_by_it_alone() -> None:
    pattern, ov, scale = one_row([0.5, 0.3, -0.2], [1.0, 1.0, 1.0])
    masses = masses_with_nulls(pattern, ov, scale)
    sums = torch.tensor([[[0.8, 0.2]]])
    assert minority_share(sums, masses.mass[..., DELETES]) == 1.0


def test_dealt_deletion_is_its_mean_over_all_deals() -> None:
    pattern, ov, scale = one_row([0.5, 0.3, -0.2, -0.4, 0.0], [1.0, -2.0, 3.0, 0.5, 1.0])
    found = dealt_deletion(masses_with_nulls(pattern, ov, scale))[0, 0]
    magnitude, cells = pattern[0, 0, 0].abs(), range(4)
    deals = []
    for negative in combinations(cells, 2):
        sign = torch.tensor([-1.0 if at in negative else 1.0 for at in range(5)])
        deletion = -(magnitude * sign * ov[0, 0]).clamp(max=0)
        deals.append(torch.stack([deletion[sign > 0].sum(), deletion[sign < 0].sum()]))
    assert_close(found, torch.stack(deals).mean(0))


def test_the_minority_sign_of_a_mirrored_head_deletes_the_same_share() -> None:
    pattern, ov, scale = one_row([0.5, 0.3, -0.2, -0.4], [1.0, -2.0, 3.0, 0.5])
    shares = []
    for sign in (1, -1):
        masses = masses_with_nulls(sign * pattern, sign * ov, scale)
        weight = torch.stack([(sign * pattern).clamp(min=0), (-sign * pattern).clamp(min=0)], -1).sum((2, 3))
        shares.append([minority_share(weight, item) for item in (masses.mass[..., DELETES], dealt_deletion(masses))])
    assert shares[0] == pytest.approx(shares[1]) and 0 < shares[0][0] < 1


@pytest.mark.parametrize("name", zoo.STORIES)
def test_a_shipped_model_of_stories_answers_as_the_experiment_says(name: str) -> None:
    told = shipped("E1").outcome.where(variant=name.removeprefix("ioi-")).trials[0]
    found = answer_numbers(load(name), story_pairs(mixed_gifts(SIZES["default"].prompts), load(name)))
    assert told.trial.seed == 0 and found["accuracy"] == pytest.approx(told.numbers["accuracy"], abs=0.01)
    assert found["logit_difference"] == pytest.approx(told.numbers["logit_difference"], abs=0.05)


def test_a_mirrored_head_changes_nothing_that_is_judged(asked: ExperimentRequest, outcome: Outcome) -> None:
    folder = asked.root / "models" / "smoke" / "indirect_objects" / "cog_0"
    found = []
    for sign in (1, -1):
        opened = open_folder(folder)
        attention = opened.model.model.layers[1].self_attn
        with torch.no_grad():
            for weights in (attention.q_proj.weight, attention.v_proj.weight):
                weights.mul_(sign)
        model = hooked(opened.model, opened.tokenizer)
        found.append(circuit_numbers(model, story_pairs(alike_gifts(4), model)))
    as_they_were, mirrored = found
    for name in set(as_they_were) - AS_TRAINED:
        assert_close(torch.tensor(mirrored[name]), torch.tensor(as_they_were[name]), rtol=1e-4, atol=1e-5, msg=name)
    assert mirrored["weight"] == pytest.approx(-as_they_were["weight"], abs=1e-5)


def test_prompts_for_circuits_are_of_one_length_and_name_their_people(
    asked: ExperimentRequest, outcome: Outcome
) -> None:
    opened = open_folder(asked.root / "models" / "smoke" / "indirect_objects" / "softmax_0")
    model = hooked(opened.model, opened.tokenizer)
    pairs = story_pairs(alike_gifts(20), model)
    assert len({len(pair.clean.ids) for pair in pairs}) == 1
    assert all(pair.clean.ids.count(pair.target) == 1 and pair.clean.ids.count(pair.distractor) == 2 for pair in pairs)
    assert not any({pair.target, pair.distractor} & set(pair.corrupt.ids) for pair in pairs)
    assert len({len(pair.clean.ids) for pair in story_pairs(mixed_gifts(20), model)}) > 1


@pytest.mark.parametrize("name", zoo.STORIES)
def test_the_shipped_models_of_stories_are_those_of_the_first_seed(name: str) -> None:
    trial = story_trials(SIZES["default"], 1)[zoo.STORIES.index(name)]
    assert STORIES in zoo.STORIES
    assert story_recipe(trial, SIZES["default"]) == read_recipe(zoo.HERE / name / "recipe.toml")


def test_softmax_has_no_negative_weight_and_decides_nothing_by_it(outcome: Outcome) -> None:
    softmax = outcome.where(variant="softmax")
    assert (softmax.sample("dynamic") == 0).all() and (softmax.sample("attention") >= 0).all()
    assert (softmax.sample("relative_weight") == softmax.sample("weight")).all()
    assert (softmax.sample("minority_deletion") == 0).all() and (softmax.sample("minority_deletion_null") == 0).all()


def test_a_run_leaves_a_report_with_every_figure(outcome: Outcome, tmp_path: Path) -> None:
    written = publish(EXPERIMENT, outcome, tmp_path)
    assert read_outcome(tmp_path / "results.json").trials == outcome.trials
    assert [path.stem for path in written if path.suffix == ".csv"] == list(EXPERIMENT.results(outcome))
    assert all(result.figure().data for result in EXPERIMENT.results(outcome).values())


def test_points_of_an_arm_are_those_of_its_seeds() -> None:
    measured = tuple(
        TrialOutcome(Trial({"variant": "cog"}, seed), {"x": [seed, 1.0], "y": [2.0, 3.0]}, 1.0) for seed in range(2)
    )
    found = arm_points(arms(Outcome("E1", "default", {}, {}, measured), "variant"), "x", "y", RIGHT, "x", "y")
    assert_close(found.x, torch.tensor([[0.0, 1.0, 1.0, 1.0]]))
    assert_close(found.y, torch.tensor([[2.0, 3.0, 2.0, 3.0]]))
