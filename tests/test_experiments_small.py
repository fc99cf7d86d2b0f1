"""E10 to E14: what is known exactly comes out, estimators keep their order, runs go on, verdicts follow."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Trial, TrialOutcome
from headscope.interp.experiments.e10_one_layer_graph.graph_map import GraphMap, random_graph
from headscope.interp.experiments.e10_one_layer_graph.one_layer_graph import SIZES as GRAPH_SIZES
from headscope.interp.experiments.e10_one_layer_graph.one_layer_graph import distance_to_graph, trained_map
from headscope.interp.experiments.e11_denoising.denoising import NAIVE, layer_error
from headscope.interp.experiments.e11_denoising.noisy_prompts import PromptDesign, squared_error
from headscope.interp.experiments.e11_denoising.one_layer import OneLayer
from headscope.interp.experiments.e12_polynomial_theorems.polynomial_theorems import KERNELS as NORM_KERNELS
from headscope.interp.experiments.e12_polynomial_theorems.random_norms import norms_of, random_scores
from headscope.interp.experiments.e13_dispersing_rows.bounded_rows import (
    KERNELS,
    bounded_scores,
    cancellation_by_depth,
    largest_share,
    mean_largest_share,
    pattern_of,
)
from headscope.interp.experiments.engine.adam_training import chosen_rate
from headscope.interp.experiments.engine.experiment import PAPER
from headscope.interp.experiments.engine.log_slope import log_slope
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of, watch_no_trial
from headscope.interp.experiments.engine.table import experiment_named
from headscope.models.attention.table import variant_named
from headscope.models.attention.visibility import causal_visible

NAMES = ("E10", "E11", "E12", "E13", "E14")
DESIGN = PromptDesign(tokens=16, relevant=4, d_signal=3, sigma=1.5)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(name: str, arm: str, numbers: dict[str, Numbers]) -> Outcome:
    """An outcome of three seeds that agree, by the values of its one condition."""
    trials = [
        TrialOutcome(Trial({arm: value}, seed), item, 0.0) for seed in range(3) for value, item in numbers.items()
    ]
    return Outcome(name, "made", {}, {}, tuple(trials))


def answers(outcome: Outcome) -> list[str]:
    return [str(verdict.answer) for verdict in experiment_named(outcome.experiment).judge(outcome)]


@pytest.mark.parametrize("name", NAMES)
def test_the_smoke_size_runs_from_end_to_end_and_goes_on(name: str, tmp_path: Path) -> None:
    experiment, request = experiment_named(name), ExperimentRequest(name, "smoke", 2, tmp_path)
    watched: list[int] = []
    whole = outcome_of(request, watch_no_trial, lambda done, total: None)
    [lost, *_] = sorted(tmp_path.rglob("result.json"))
    lost.unlink()
    again = outcome_of(request, lambda *_: watched.append(1), lambda done, total: None)
    assert [item.numbers for item in again.trials] == [item.numbers for item in whole.trials]
    assert experiment.setting == PAPER and not {"not measured", "too few seeds"} & {*answers(whole)}
    assert [key for key, result in experiment.results(whole).items() if not result.figure().data] == []


def test_a_log_slope_is_the_power() -> None:
    assert log_slope([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)
    with pytest.raises(ValueError, match="numbers above 0"):
        log_slope([1, 2], [0, 1])


def test_the_rate_is_that_of_the_least_loss_on_other_seeds_and_never_a_diverging_one() -> None:
    asked: list[int] = []

    def loss_of(rate: float, seed: int) -> float:
        asked.append(seed)
        if rate == 3.0:
            raise FloatingPointError("diverged")
        return (rate - 2) ** 2

    assert chosen_rate(loss_of, (1.0, 1.9, 3.0), 2) == 1.9 and min(asked) >= 10_000
    with pytest.raises(FloatingPointError, match="at every rate"):
        chosen_rate(loss_of, (3.0,), 2)


def test_a_graph_has_degrees_of_all_sizes_and_rows_that_sum_to_one() -> None:
    graph = random_graph(64, 16, 32, np.random.default_rng(0))
    assert not graph.neighbours.diagonal().any() and (graph.degree.min(), graph.degree.max()) == (1, graph.degree.max())
    below = [(graph.degree <= most).double().mean().item() for most in (2, 6, 32)]
    assert below == pytest.approx([math.log(2.5, 32), math.log(6.5, 32), 1], abs=0.12)
    torch.testing.assert_close(graph.target.sum(1), torch.ones(64))
    assert (graph.target.max(1).values * graph.degree).tolist() == pytest.approx([1] * 64)
    torch.testing.assert_close(graph.embedding.norm(dim=1), torch.full((64,), 4.0))


def test_a_graph_is_0_from_itself_and_2_from_another() -> None:
    graph = random_graph(12, 4, 3, np.random.default_rng(0))
    elsewhere = (~graph.neighbours).float()
    assert distance_to_graph(graph.target, graph) == 0
    assert distance_to_graph(elsewhere / elsewhere.sum(1, keepdim=True), graph) == pytest.approx(2)


def test_both_maps_begin_equal_and_are_the_softmax_of_the_form() -> None:
    graph = random_graph(12, 4, 3, np.random.default_rng(0))
    maps = [GraphMap(name, 4, np.random.default_rng(1)) for name in ("softmax", "selective")]
    by_hand = (graph.embedding @ maps[0].W @ graph.embedding.T / 2).softmax(1)
    for item in maps:
        torch.testing.assert_close(item.pattern(graph.embedding), by_hand)
    assert {name: item.numel() for name, item in maps[1].named_parameters()} == {
        "W": 16,
        "parts.temperature_q.weight": 4,
    }


def test_the_map_of_a_graph_learns_its_temperature_and_its_loss_has_the_least_value_at_the_graph() -> None:
    size = replace(GRAPH_SIZES["smoke"], nodes=8, d_model=8, steps=150)
    before, after = (trained_map("selective", replace(size, steps=steps), 0.05, 0) for steps in (0, 150))
    graph, learned = after
    least = float((graph.degree.log()).mean())
    assert least < learned.loss(graph).item() < before[1].loss(graph).item()
    query = graph.embedding @ learned.W
    weight = learned.parts.temperature_q.weight
    tau = 1 + torch.tanh(torch.nn.functional.gelu(query) @ weight)
    torch.testing.assert_close(
        learned.pattern(graph.embedding), (tau[:, None] * query @ graph.embedding.T / 8**0.5).softmax(1)
    )
    assert (tau - 1).abs().max() > 0.05


def test_marks_tell_relevant_tokens_by_their_product_and_by_no_line() -> None:
    prompts = DESIGN.drawn(4000, seeded())
    marks = prompts.tokens[..., -2:]
    assert torch.equal(marks.prod(-1) > 0, prompts.relevant) and prompts.relevant.sum(1).unique().tolist() == [4]
    assert (marks[prompts.relevant].mean(0).abs() < 0.03).all() and (
        marks[~prompts.relevant].mean(0).abs() < 0.03
    ).all()
    for chosen in (prompts.relevant, ~prompts.relevant):
        assert prompts.shown[chosen].var().item() == pytest.approx(1 + 1.5**2, rel=0.05)


def test_bayes_and_the_naive_mean_err_as_they_must_and_no_other_shrinkage_errs_less() -> None:
    prompts = DESIGN.drawn(40_000, seeded())
    errors = [
        squared_error(item, prompts.signal).item() for item in (DESIGN.bayes(prompts), DESIGN.naive_mean(prompts))
    ]
    assert errors == pytest.approx([DESIGN.bayes_error, DESIGN.naive_error], rel=0.02)
    for factor in (0.8, 1.25):
        assert squared_error(factor * DESIGN.bayes(prompts), prompts.signal) > errors[0]
        assert squared_error(factor * DESIGN.naive_mean(prompts), prompts.signal) > errors[1]
    assert DESIGN.bayes_error < DESIGN.naive_error < 1


def layer_of_bayes(variant: str) -> OneLayer:
    """A layer of equal weights whose value temperature is 2 where the marks agree, and 0 where they differ."""
    layer = OneLayer(variant, DESIGN.d_token, DESIGN.d_signal + 4, DESIGN.d_signal, seeded())
    features = 4.0 * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    with torch.no_grad():
        for weight in (layer.query, layer.W_V, layer.W_O):
            weight.zero_()
        layer.W_V[: DESIGN.d_signal, : DESIGN.d_signal] = torch.eye(DESIGN.d_signal)
        layer.W_V[DESIGN.d_signal :, DESIGN.d_signal :] = features
        factor = DESIGN.tokens / (DESIGN.relevant + DESIGN.sigma**2)
        layer.W_O[: DESIGN.d_signal] = torch.eye(DESIGN.d_signal) * factor / 2
        if layer.parts.temperature_v is not None:
            layer.parts.temperature_v.weight[DESIGN.d_signal :] = torch.tensor([3.0, 3, -3, -3])
    return layer


def test_a_value_temperature_can_be_the_bayes_estimator_and_softmax_with_its_weights_cannot() -> None:
    prompts = DESIGN.drawn(4000, seeded())
    bayes = squared_error(DESIGN.bayes(prompts), prompts.signal).item()
    selective, softmax = (layer_of_bayes(name) for name in ("selective", "softmax"))
    torch.testing.assert_close(selective(prompts.tokens), DESIGN.bayes(prompts), atol=1e-4, rtol=1e-4)
    assert layer_error(selective, prompts) == pytest.approx(bayes, rel=1e-3) and layer_error(softmax, prompts) > bayes


def test_both_layers_begin_equal() -> None:
    prompts = DESIGN.drawn(4, seeded())
    softmax, selective = (OneLayer(name, DESIGN.d_token, 8, 3, seeded(1)) for name in ("softmax", "selective"))
    torch.testing.assert_close(softmax(prompts.tokens), selective(prompts.tokens))


@pytest.mark.parametrize("name", NORM_KERNELS)
def test_norms_in_closed_form_are_those_of_the_whole_jacobian(name: str) -> None:
    scores = random_scores(7, 16, 8, seeded())
    variant, kernel = NORM_KERNELS[name]

    def weights(rows: torch.Tensor) -> torch.Tensor:
        visible = torch.ones(1, 1, *rows.shape, dtype=torch.bool)
        return variant_named(variant).weigh(rows[None, None], visible, **kernel)[0, 0]

    jacobian = torch.autograd.functional.jacobian(weights, scores)
    assert isinstance(jacobian, torch.Tensor)
    norms = norms_of(variant, kernel, scores)
    assert norms.pattern == pytest.approx(weights(scores).norm().item(), rel=1e-5)
    assert norms.jacobian == pytest.approx(jacobian.norm().item(), rel=1e-5)


def test_scores_have_variance_1_and_strips_are_the_whole() -> None:
    scores = random_scores(600, 256, 64, seeded())
    assert scores.var().item() == pytest.approx(1, abs=0.1)
    assert norms_of("polynomial", {"power": 2, "coefficient": 1.0}, scores).pattern == pytest.approx(
        scores.square().norm().item(), rel=1e-5
    )


def test_softmax_reaches_its_bounds_where_rows_are_sharp_or_halved() -> None:
    sharp, halved = torch.full((9, 9), -1e4), torch.full((9, 9), -1e4)
    sharp[:, 0], halved[:, :2] = 0, 0
    assert norms_of("softmax", {}, sharp).pattern == pytest.approx(3)
    assert norms_of("softmax", {}, halved).jacobian == pytest.approx(1.5)


@pytest.mark.parametrize("name", KERNELS)
def test_the_largest_share_of_equal_scores_is_one_over_the_keys(name: str) -> None:
    scores = torch.ones(1, 1, 3, 8, dtype=torch.float64)
    share = largest_share(pattern_of(name, scores, torch.ones_like(scores, dtype=torch.bool)))
    torch.testing.assert_close(share, torch.full_like(share, 1 / 8))


def test_selective_rows_have_the_temperature_of_their_length() -> None:
    scores, visible = bounded_scores((1, 1, 5, 8), 2.0, seeded()), torch.ones(1, 1, 5, 8, dtype=torch.bool)
    tempered = pattern_of("selective", scores, visible)
    torch.testing.assert_close(tempered, (scores * (1 + math.log(8) / 2)).softmax(-1), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("name", "most"), [("softmax", 4.0), ("cog", 2.0)])
def test_no_bounded_row_keeps_more_than_its_bound_over_the_keys(name: str, most: float) -> None:
    scores = bounded_scores((1, 1, 64, 256), 2.0, seeded())
    assert float(scores.abs().max()) <= 2
    share = largest_share(pattern_of(name, scores, torch.ones_like(scores, dtype=torch.bool)))
    assert float(share.max()) <= math.exp(most) / 256
    shares = [mean_largest_share(name, n, 8, 2.0, seeded()) for n in (256, 1024, 4096)]
    assert log_slope([256, 1024, 4096], shares) == pytest.approx(-1, abs=0.05)


def test_nothing_cancels_without_negative_weights() -> None:
    for name in ("softmax", "expressive", "selective"):
        assert cancellation_by_depth(name, 16, (1, 3, 6), 2.0, seeded()) == [0, 0, 0]


@pytest.mark.parametrize("seed", range(8))
def test_in_one_layer_of_one_head_nothing_cancels_but_the_skip_of_the_last_token(seed: int) -> None:
    last = pattern_of("cog", bounded_scores((1, 1, 16, 16), 2.0, seeded(seed)), causal_visible(16, 16))[0, 0, -1, -1]
    own = float((1 - (1 + last).abs() / (1 + last.abs())).clamp(min=0)) / 16  # two paths: itself, and the skip
    [one] = cancellation_by_depth("cog", 16, (1,), 2.0, seeded(seed))
    assert one == pytest.approx(own, abs=1e-12)


GRAPH: tuple[Numbers, Numbers] = (
    {"error": 0.5, "taken_off": 0.7, "norm": 5.0, "slope": 0.9},
    {"error": 1.0, "taken_off": 0.4, "norm": 9.0, "slope": 0.5},
)


def test_verdicts_on_the_graph_follow_the_numbers() -> None:
    selective, softmax = GRAPH
    assert answers(made("E10", "variant", {"selective": selective, "softmax": softmax})) == ["reproduced"] * 3
    assert answers(made("E10", "variant", {"selective": softmax, "softmax": selective})) == ["opposite"] * 3
    wide = {**selective, "slope": 1.8}  # too wide is as wrong as too narrow
    assert answers(made("E10", "variant", {"selective": wide, "softmax": softmax}))[2] == "opposite"
    blind = [{**item, "taken_off": 0.05, "slope": 0.1} for item in GRAPH]
    assert (
        answers(made("E10", "variant", dict(zip(("selective", "softmax"), blind, strict=True))))
        == ["not measurable"] * 3
    )


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ((2.0, 1.1, 4.0), ["reproduced"] * 3),
        ((1.1, 2.0, 4.0), ["reproduced", "opposite", "reproduced"]),
        ((3.95, 3.9, 4.0), ["not measurable", "not measurable", "reproduced"]),
        ((2.0, 5.0, 4.0), ["reproduced", "opposite", "not seen"]),
    ],
)
def test_verdicts_on_denoising_follow_the_errors(ratios: tuple[float, ...], expected: list[str]) -> None:
    names = ("softmax", "selective", NAIVE)
    numbers: dict[str, Numbers] = {name: {"ratio": ratio} for name, ratio in zip(names, ratios, strict=True)}
    assert answers(made("E11", "estimator", numbers)) == expected


def norms(slope: float, of_bound: float = 0.5) -> dict[str, Any]:
    """The numbers of an arm whose norms have this slope."""
    return {
        **{f"{name}_slope": slope for name in ("norm", "jacobian")},
        **{f"{name}_of_bound": of_bound for name in ("norm", "jacobian")},
    }


def test_verdicts_on_the_theorems_follow_the_slopes() -> None:
    powers = {name: norms(1.01) for name in NORM_KERNELS}
    assert answers(made("E12", "attention", {**powers, "softmax": norms(0.5)})) == ["reproduced"] * 5
    outside = made("E12", "attention", {**powers, "softmax": norms(0.0, 1.2), "s^3": norms(0.9)})
    assert answers(outside) == ["opposite", "opposite", "not seen", "not seen", "opposite"]


def test_verdicts_on_rows_follow_slopes_and_cancellation() -> None:
    depths = {"depths": [1, 2, 6]}
    softmax: Numbers = {"slope": -0.98, "cancellation": [0.0, 0.0, 0.0], **depths}
    cog: Numbers = {"slope": -0.99, "cancellation": [0.0, 0.3, 0.6], **depths}
    others = dict.fromkeys(KERNELS, softmax)
    assert answers(made("E13", "variant", {**others, "cog": cog})) == ["reproduced"] * 4
    other: Numbers = {"slope": -0.5, "cancellation": [0.5, 0.4, 0.3], **depths}
    negative: Numbers = {**softmax, "cancellation": [0.0, 0.0, 1e-6]}
    assert answers(made("E13", "variant", {**others, "cog": other, "softmax": negative})) == ["opposite"] * 4
