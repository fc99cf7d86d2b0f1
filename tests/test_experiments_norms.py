"""E5: what no rescaling changes is measured, rates are chosen once on other images, each claim has its own number."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_decoders import stir
from tiny_vits import random_images, untrained_vit

from headscope import AttentionSpec, hooked
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Numbers, Place, Trial, TrialOutcome
from headscope.interp.experiments.e5_frobenius_norms import rate_sweep as sweeping
from headscope.interp.experiments.e5_frobenius_norms.frobenius_norms import EXPERIMENT, JUDGED, measure
from headscope.interp.experiments.e5_frobenius_norms.map_norms import map_norms, ov_norms, pattern_norms
from headscope.interp.experiments.e5_frobenius_norms.rate_sweep import CHOOSING, RateSweep, rate_sweep
from headscope.interp.experiments.e5_frobenius_norms.vision_models import (
    CUBES,
    SCALED,
    SOFTMAX,
    UNSCALED,
    arm_spec,
    vision_recipe,
    vision_trials,
)
from headscope.interp.experiments.e5_frobenius_norms.vision_sizes import SIZES
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS
from headscope.interp.experiments.engine.running import watch_no_trial
from headscope.interp.weights.head_weights import head_weights
from headscope.models.data.images.classifying import digit_split
from headscope.models.data.table import fields_of
from headscope.models.hosts.families import layer_modules

SIZE = SIZES["smoke"]
IMAGES = random_images(6)
TRIAL = Trial({"N": 5, "attention": SCALED[3]}, 0)
ALL_ARMS = (SOFTMAX, *SCALED.values(), *UNSCALED.values())


def stirred_vit(coefficient: float) -> Any:
    """A vision transformer of cubes in eval mode; equal weights for every coefficient."""
    model = untrained_vit(AttentionSpec("polynomial", power=3, coefficient=coefficient), d_model=16, layers=2).eval()
    stir(model, 0.15)
    return model


# What is measured


@torch.no_grad()
def test_a_factor_between_pattern_and_values_changes_the_norm_of_patterns_and_not_that_of_maps() -> None:
    whole, scaled = stirred_vit(1.0), stirred_vit(0.25)
    for layer in layer_modules(scaled):
        layer.attention.v_proj.weight.mul_(4)
        layer.attention.v_proj.bias.mul_(4)
    torch.testing.assert_close(scaled(IMAGES).logits, whole(IMAGES).logits)
    torch.testing.assert_close(map_norms(scaled, IMAGES), map_norms(whole, IMAGES))
    torch.testing.assert_close(pattern_norms(scaled, IMAGES), pattern_norms(whole, IMAGES) / 4)


@torch.no_grad()
def test_neither_a_factor_between_norm_and_projections_nor_what_the_norm_takes_off_changes_maps() -> None:
    before = stirred_vit(1.0)
    after = deepcopy(before)
    for layer in layer_modules(after):
        norm, attention = layer.layernorm_before, layer.attention
        norm.weight.mul_(3)
        norm.bias.mul_(3)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            projection.weight.div_(3)
        shift = torch.ones(1, len(norm.weight)) / norm.weight
        attention.v_proj.weight.add_(shift)
        attention.v_proj.bias.sub_(shift[0] @ norm.bias)
    torch.testing.assert_close(after(IMAGES).logits, before(IMAGES).logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(map_norms(after, IMAGES), map_norms(before, IMAGES), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_norm_of_a_map_is_that_of_pattern_and_matrices_of_the_hooked_model() -> None:
    model = stirred_vit(0.5)
    bridge = hooked(deepcopy(model))
    weights = head_weights(bridge)
    _, cache = bridge.run_with_cache(IMAGES)
    patterns = torch.stack([cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(2)], 1)
    by_hand = patterns.flatten(3).norm(dim=-1) * (weights.W_V @ weights.W_O).flatten(2).norm(dim=-1)
    torch.testing.assert_close(map_norms(model, IMAGES), by_hand.mean((0, 2)))
    kronecker = torch.kron(patterns[0, 0, 0], (weights.W_V @ weights.W_O)[0, 0])
    torch.testing.assert_close(
        kronecker.norm(), pattern_norms(model, IMAGES)[0, 0, 0] * ov_norms(layer_of(model, 0))[0]
    )


def layer_of(model: Any, at: int) -> Any:
    return [*layer_modules(model)][at]


# Arms and rates


def test_arms_of_an_n_differ_in_attention_and_rate_alone_and_n_is_that_of_the_tokens() -> None:
    size = SIZES["default"]
    trials = vision_trials(size, 1)
    assert [size.tokens(side) for side in size.sides] == [65, 197, 1025]
    assert [size.side(size.tokens(side)) for side in size.sides] == list(size.sides)
    at = {
        tokens: [item.condition["attention"] for item in trials if item.condition["N"] == tokens]
        for tokens in (65, 1025)
    }
    assert at == {65: list(ALL_ARMS), 1025: list(CUBES)}
    recipes = [vision_recipe(item, size, 0.01, JUDGED, 80) for item in trials if item.condition["N"] == 197]
    assert len({str(replace(recipe, attention={}).to_plain()) for recipe in recipes}) == 1
    assert recipes[0].data == {"source": "digits", "side": 14, "images": 200, "held_out": JUDGED}
    factors = [arm_spec(name, 197).options["coefficient"] for name in (SCALED[2], UNSCALED[2])]
    assert factors == [pytest.approx(197**-0.5), 1.0]


def test_the_images_that_choose_a_rate_judge_nothing() -> None:
    parts = [
        digit_split(fields_of(vision_recipe(TRIAL, SIZE, 0.01, part, 2).data)).validation for part in (CHOOSING, JUDGED)
    ]
    assert not {*parts[0].numbers.tolist()} & {*parts[1].numbers.tolist()}


def test_the_rate_is_that_of_the_highest_mean_accuracy_and_never_a_diverging_one() -> None:
    rates = (0.1, 0.2, 0.3)
    assert RateSweep(rates, np.array([[0.5, 0.7, 0.9], [0.5, 0.6, np.nan]])).best == 0.2
    assert RateSweep(rates, np.array([[0.5, 0.5, 0.4]])).best == 0.1
    with pytest.raises(FloatingPointError, match="at every rate"):
        _ = RateSweep(rates, np.full((2, 3), np.nan)).best


def test_a_sweep_is_run_once_for_all_seeds_and_a_stopped_one_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    watched: list[str] = []

    def watch(words: str, done: int, total: int) -> None:
        watched.append(words)

    places = [Place(tmp_path / name, tmp_path / "shared") for name in ("0", "1")]
    whole = rate_sweep(TRIAL, SIZE, places[0], watch)
    assert {*watched} == {f"training 5_x_3_sqrt_N_{rate}_{OTHER_SEEDS}" for rate in SIZE.rates}
    watched.clear()
    again = rate_sweep(replace(TRIAL, seed=1), SIZE, places[1], watch)
    assert np.array_equal(again.accuracy, whole.accuracy) and watched == []
    [lost, *_] = sorted(tmp_path.rglob("model.safetensors"))
    lost.unlink()
    assert np.array_equal(rate_sweep(TRIAL, SIZE, places[0], watch).accuracy, whole.accuracy)
    assert {*watched} <= {f"training {lost.parent.name}"}


def test_a_run_that_diverges_is_kept_as_such_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def diverge(recipe: Any, folder: Path, watch: Any) -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        calls.append(folder.name)
        raise FloatingPointError("the loss of step 3 is nan")

    monkeypatch.setattr(sweeping, "trained_once", diverge)
    place = Place(tmp_path / "own", tmp_path / "shared")
    sweeps = [rate_sweep(TRIAL, SIZE, place, watch_no_trial) for _ in range(2)]
    assert len(calls) == len(SIZE.rates) and all(np.isnan(item.accuracy).all() for item in sweeps)
    longer = replace(SIZE, steps=5)  # another recipe: nothing is known of it
    rate_sweep(TRIAL, longer, place, watch_no_trial)
    assert len(calls) == 2 * len(SIZE.rates)


def test_a_trial_is_measured_at_the_rate_of_its_sweep_on_the_way(tmp_path: Path) -> None:
    numbers = measure(TRIAL, SIZE, Place(tmp_path / "own", tmp_path / "shared"), watch_no_trial)
    best = SIZE.rates[int(np.argmax(np.mean(numbers["sweep_accuracy"], 0)))]
    assert (numbers["rate"], numbers["steps"]) == (best, [0, 2, 4])
    assert numbers["accuracies"][-1] == numbers["accuracy"] and len(numbers["map_norm"]) == 3
    np.testing.assert_allclose(np.mean(numbers["map_norm_by_layer"], 1), numbers["map_norm"])
    assert min(numbers["map_norm"]) > 0


# Claims


def numbers_of(accuracy: float, map_norm: float = 1.0) -> Numbers:
    return {
        "accuracy": accuracy,
        "accuracies": [0.1, accuracy],
        "steps": [0, 4],
        "map_norm": [1.0, map_norm],
        "rate": 0.003,
        "rates": [0.001, 0.003],
        "sweep_accuracy": [[0.5, 0.6], [0.5, 0.7]],
    }


def outcome_with(changes: dict[tuple[int, str], Numbers]) -> Outcome:
    """An outcome of three seeds in which every claim holds, but for what is changed of some arms."""
    holds = {SOFTMAX: numbers_of(0.8, 2.0), **dict.fromkeys(SCALED.values(), numbers_of(0.8, 1.0))}
    holds |= dict.fromkeys(UNSCALED.values(), numbers_of(0.6, 9.0))
    conditions = [(65, name) for name in ALL_ARMS] + [(1025, name) for name in CUBES]
    trials = [
        TrialOutcome(Trial({"N": tokens, "attention": name}, seed), changes.get((tokens, name), holds[name]), 0.0)
        for seed in range(3)
        for tokens, name in conditions
    ]
    return Outcome("E5", "made", {}, {}, tuple(trials), 2)


def answers(changes: dict[tuple[int, str], Numbers]) -> dict[str, str]:
    """The answers that are not 'reproduced', by the name of the claim."""
    verdicts = EXPERIMENT.judge(outcome_with(changes))
    return {item.name: str(item.answer) for item in verdicts if item.answer != "reproduced"}


def test_every_claim_is_asked_at_every_n_and_holds_where_it_does() -> None:
    names = [item.name for item in EXPERIMENT.judge(outcome_with({}))]
    assert len({*names}) == len(names) == 2 * (3 + 1) + 2 and answers({}) == {}


@pytest.mark.parametrize("tokens", [65, 1025])
@pytest.mark.parametrize(
    ("arm", "numbers", "fails"),
    [
        (SCALED[3], numbers_of(0.77), "x^3/sqrt(N) as good as softmax"),
        (UNSCALED[3], numbers_of(0.81), "x^3 worse than x^3/sqrt(N)"),
        (SCALED[3], numbers_of(0.8, 2.1), "maps of x^3/sqrt(N) no larger"),
    ],
)
def test_a_claim_fails_by_its_own_number_alone(tokens: int, arm: str, numbers: Numbers, fails: str) -> None:
    assert answers({(tokens, arm): numbers}) == {f"{fails}, N {tokens}": "opposite"}


@pytest.mark.parametrize("power", [1, 2])
def test_other_powers_have_claims_of_their_own(power: int) -> None:
    assert answers({(65, UNSCALED[power]): numbers_of(0.9)}) == {
        f"x^{power} worse than x^{power}/sqrt(N), N 65": "opposite"
    }
    assert answers({(65, UNSCALED[power]): numbers_of(0.79)}) == {}


def test_a_little_below_softmax_is_as_good_and_equal_without_the_factor_is_no_difference() -> None:
    assert answers({(65, SCALED[2]): numbers_of(0.79)}) == {}
    assert answers({(65, UNSCALED[2]): numbers_of(0.8)}) == {"x^2 worse than x^2/sqrt(N), N 65": "no difference"}


def test_nothing_is_measurable_where_no_arm_has_learned() -> None:
    blind = answers({(65, name): numbers_of(0.11) for name in ALL_ARMS})
    of_maps = {blind.pop("maps of x^3/sqrt(N) no larger, N 65")}
    assert len(blind) == 6 and {*blind.values()} == {"not measurable"} and of_maps == {"not seen"}  # they are equal


def test_what_diverged_is_not_measured_and_the_rest_is_drawn() -> None:
    changes: dict[tuple[int, str], Numbers] = {(65, SCALED[3]): {DIVERGED: 1}}
    assert answers(changes) == {
        "x^3/sqrt(N) as good as softmax, N 65": "not measured",
        "x^3 worse than x^3/sqrt(N), N 65": "not measured",
        "maps of x^3/sqrt(N) no larger, N 65": "not measured",
    }
    results = EXPERIMENT.results(outcome_with(changes))
    assert [key for key, result in results.items() if not result.figure().data] == []


def test_the_sweep_is_drawn_over_its_rates_with_the_spread_of_its_seeds() -> None:
    by_rate = EXPERIMENT.results(outcome_with({}))["accuracy_by_rate_1025"]
    assert by_rate.x == (0.001, 0.003) and by_rate.labels["arm"] == CUBES
    torch.testing.assert_close(by_rate.mean[0], torch.tensor([0.5, 0.65]), check_dtype=False)
    torch.testing.assert_close(by_rate.spread[0], torch.tensor([0.0, 0.1 / 2**0.5]), check_dtype=False)


def test_the_version_and_the_seeds_are_those_of_the_second_round() -> None:
    assert (EXPERIMENT.version, EXPERIMENT.seeds) == (2, 10)
