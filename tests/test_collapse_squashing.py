"""Paths to the last token: exact derivatives, the bound by magnitudes, and what signs cancel on the way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny_decoders import CONFIGS, SPECS, attached
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Setting
from headscope.interp.collapse.cancellation import PathCancellation, path_cancellation
from headscope.interp.collapse.contribution_weights import contribution_weights
from headscope.interp.collapse.paths import path_bound
from headscope.interp.collapse.rows import ROWS
from headscope.interp.collapse.squashing import DIRECTIONS, squashing
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

IDS = (5, 17, 9, 40, 9, 23)
LAYERS, HEADS, POS, D_HEAD, D_MODEL = 3, 2, 7, 4, 8


def narrow(name: str) -> Any:
    """A decoder of eight outputs, so that a whole jacobian is eight backward passes."""
    return attached("llama", name, hidden_size=8)


def random_pattern(signed: bool) -> Tensor:
    scores = torch.randn(LAYERS, HEADS, POS, POS, dtype=torch.float64)
    sizes = scores.abs().tril()
    sizes = sizes / sizes.sum(-1, keepdim=True)
    return sizes * scores.sign() if signed else sizes


def values_and_writers() -> tuple[Tensor, Tensor]:
    values = torch.randn(LAYERS, POS, HEADS, D_HEAD, dtype=torch.float64)
    return values, torch.randn(LAYERS, HEADS, D_HEAD, D_MODEL, dtype=torch.float64)


def jacobian_norms(model: Any, position: int) -> Tensor:
    """By autograd's own jacobian, a block per token."""
    embeddings = model.get_input_embeddings()(torch.tensor([IDS])).detach()

    def output(x: Tensor) -> Tensor:
        return model.base_model(inputs_embeds=x).last_hidden_state[0, position]

    jacobian = torch.autograd.functional.jacobian(output, embeddings)
    assert isinstance(jacobian, Tensor)
    return jacobian[:, 0].norm(dim=(0, 2))


@pytest.mark.parametrize("name", SPECS)
def test_influence_is_the_norm_of_the_jacobian(name: str) -> None:
    model = narrow(name).double()
    expected = jacobian_norms(model, -1)
    assert_close(squashing(model, IDS, rows=5).norm, expected, rtol=1e-6, atol=0)  # temperatures are float32


def test_an_estimate_lies_within_its_error_and_makes_few_passes() -> None:
    model, steps = attached("llama", "cog", hidden_size=512).double(), list[tuple[int, int]]()
    exact = squashing(model, IDS, rows=64, exact=True)
    found = squashing(model, IDS, watch=lambda done, total: steps.append((done, total)))
    assert len(steps) == DIRECTIONS < 20 and not exact.norm_error.any()
    away = (found.norm - exact.norm) / found.norm_error
    assert float(away.abs().max()) < 4 and float((found.norm_error / exact.norm).max()) < 0.3


def test_without_future_an_estimate_has_no_error_there() -> None:
    found = squashing(narrow("cog"), IDS, position=2, exact=False)
    assert_close(found.norm, squashing(narrow("cog"), IDS, position=2).norm, rtol=1e-4, atol=0)
    assert not found.norm[3:].any() and not found.norm_error.any()


@pytest.mark.parametrize("family", CONFIGS)
def test_a_hooked_model_has_the_influence_of_the_plain_one(family: str) -> None:
    model = attached(family, "cog")
    expected = squashing(model, IDS).norm
    assert_close(squashing(hooked(model), IDS).norm, expected, rtol=1e-3, atol=1e-6)


def test_the_future_has_no_influence() -> None:
    found = squashing(narrow("cog"), IDS, position=2)
    assert_close(found.norm[3:], torch.zeros(3, dtype=torch.float64), rtol=0, atol=0)
    assert bool((found.norm[:3] > 0).all()) and found.position == 2
    assert_close(found.norm_null.square().sum(), found.norm.square().sum())
    assert float(found.norm_null[3:].max()) == 0


def test_the_number_of_rows_at_once_changes_nothing() -> None:
    model = narrow("polynomial").double()
    assert_close(squashing(model, IDS, rows=1).norm, squashing(model, IDS, rows=64).norm, rtol=1e-9, atol=0)


def test_a_flip_of_signs_changes_no_influence() -> None:
    model = narrow("cog").double()
    before = squashing(model, IDS).norm
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_proj.weight.neg_()
            layer.self_attn.v_proj.weight.neg_()
    assert_close(squashing(model, IDS).norm, before, rtol=1e-9, atol=0)


def test_influence_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="position 9 was asked for; there are positions 0 to 5"):
        squashing(narrow("cog"), IDS, position=9)
    with pytest.raises(ValueError, match="no token was given"):
        squashing(narrow("cog"), ())
    with pytest.raises(ValueError, match="0 rows at once were asked for"):
        squashing(narrow("cog"), IDS, rows=0)


def product(mixing: Tensor) -> Tensor:
    """Π (M_l + I) as whole matrices, the last layer on the left."""
    whole = torch.eye(POS, dtype=torch.float64)
    for layer in mixing:
        whole = (layer + torch.eye(POS, dtype=torch.float64)) @ whole
    return whole


def test_the_bound_is_the_last_row_of_the_product() -> None:
    pattern, visible = random_pattern(signed=True), torch.ones(LAYERS, POS, POS).tril().bool()
    beta = torch.tensor([0.5, 1.0, 2.0])
    found = path_bound(pattern, visible, beta=beta)
    assert_close(found.bound, product(pattern.abs().mean(1) / beta.double()[:, None, None])[-1])
    equal = visible.double() / visible.sum(-1, keepdim=True)
    assert_close(found.bound_null, product(equal / beta.double()[:, None, None])[-1])


def test_rows_of_magnitude_one_give_a_bound_that_sums_to_a_power_of_two() -> None:
    found = path_bound(random_pattern(signed=True), torch.ones(LAYERS, POS, POS).tril().bool())
    assert_close(found.bound.sum(), torch.tensor(2.0**LAYERS, dtype=torch.float64))


def test_the_bound_holds_for_linear_layers_of_norm_one() -> None:
    pattern = random_pattern(signed=True)
    maps = torch.linalg.qr(torch.randn(LAYERS, HEADS, D_MODEL, D_MODEL, dtype=torch.float64)).Q / HEADS
    start = torch.randn(POS, D_MODEL, dtype=torch.float64)

    def last(x: Tensor) -> Tensor:
        for A, W in zip(pattern, maps, strict=True):
            x = x + torch.einsum("hqk,km,hmn->qn", A, x, W)
        return x[-1]

    jacobian = torch.autograd.functional.jacobian(last, start)
    assert isinstance(jacobian, Tensor)
    norms = torch.linalg.matrix_norm(jacobian.transpose(0, 1), ord=2)
    bound = path_bound(pattern, torch.ones(LAYERS, POS, POS).tril().bool()).bound
    assert bool((norms <= bound + 1e-12).all()) and bool((norms > 0).all())


@pytest.mark.parametrize("beta", [0.0, -1.0])
def test_a_norm_divides_by_a_number_above_zero(beta: float) -> None:
    with pytest.raises(ValueError, match="a norm divides by a number above 0"):
        path_bound(random_pattern(signed=False), torch.ones(LAYERS, POS, POS).bool(), beta=beta)


def test_nothing_cancels_where_no_weight_is_negative() -> None:
    found = path_cancellation(random_pattern(signed=False), *values_and_writers())
    assert_close(found.cancellation, torch.zeros(POS, dtype=torch.float64), rtol=0, atol=1e-15)
    assert_close(found.absolute, found.signed)


def test_absolute_and_signed_paths_are_sums_over_all_paths() -> None:
    pattern = random_pattern(signed=True)
    found = path_cancellation(pattern, *values_and_writers())
    assert_close(found.absolute, product(pattern.abs().mean(1))[-1])
    assert_close(found.signed, product(pattern.mean(1))[-1])
    assert_close(found.cancellation, 1 - found.signed.abs() / found.absolute)
    assert bool((found.cancellation >= 0).all()) and bool((found.cancellation <= 1).all())


def test_two_heads_of_opposite_weight_cancel() -> None:
    pattern = torch.zeros(1, 2, 2, 2)
    pattern[0, :, 1, 0] = torch.tensor([0.5, -0.5])
    found = path_cancellation(pattern, torch.ones(1, 2, 2, 1), torch.ones(1, 2, 1, 3))
    assert found.cancellation.tolist() == [1.0, 0.0]


def test_a_token_without_a_path_cancels_nothing() -> None:
    pattern = torch.zeros(1, 1, 3, 3)
    pattern[0, 0, 2, 1] = -1.0
    found = path_cancellation(pattern, torch.ones(1, 3, 1, 1), torch.ones(1, 1, 1, 2))
    assert found.absolute.tolist() == [0.0, 1.0, 1.0] and found.cancellation.tolist() == [0.0, 0.0, 0.0]
    assert found.contribution_cancellation.isfinite().all()


def test_contribution_weights_are_projections_on_their_sum() -> None:
    pattern, (values, W_O) = random_pattern(signed=True), values_and_writers()
    vectors = torch.einsum("lhqk,lkhd,lhdm->lhqkm", pattern, values, W_O)
    along = torch.einsum("lhqkm,lqm->lhqk", vectors, vectors.sum((1, 3)))
    expected = along / along.abs().sum((1, 3), keepdim=True)
    assert_close(contribution_weights(pattern, values, W_O), expected)


def test_contribution_weights_are_a_signed_attention_of_magnitude_one() -> None:
    weights = contribution_weights(random_pattern(signed=True), *values_and_writers())
    assert_close(weights.abs().sum((1, 3)), torch.ones(LAYERS, POS, dtype=torch.float64))
    assert bool((weights.sum((1, 3)) > 0).all())
    paths = path_cancellation(random_pattern(signed=True), *values_and_writers())
    assert_close(paths.contribution_absolute.sum(), torch.tensor(2.0**LAYERS, dtype=torch.float64))


def test_grouped_heads_share_their_values() -> None:
    pattern, (values, W_O) = random_pattern(signed=True), values_and_writers()
    shared = values[:, :, :1]
    assert_close(
        contribution_weights(pattern, shared, W_O),
        contribution_weights(pattern, shared.expand(-1, -1, HEADS, -1), W_O),
    )


def flip(pattern: Tensor, values: Tensor, W_O: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(W_Q, W_V) → (−W_Q, −W_V) of one head of an odd kernel."""
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64)
    return pattern * sign[:, None, None], values * sign[:, None], W_O


def turn(pattern: Tensor, values: Tensor, W_O: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(W_V, W_O) → (W_V G, G⁻¹ W_O)."""
    G = torch.randn(D_HEAD, D_HEAD, dtype=torch.float64)
    return pattern, values @ G, torch.linalg.inv(G) @ W_O


def rescale(pattern: Tensor, values: Tensor, W_O: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(c W_Q, c^−p W_V) of one head of the polynomial kernel."""
    factor = torch.tensor([1.0, 8.0], dtype=torch.float64)
    return pattern * factor[:, None, None], values / factor[:, None], W_O


@pytest.mark.parametrize("gauge", [flip, turn, rescale])
def test_no_gauge_changes_the_cancellation_of_contributions(gauge: Callable[..., Any]) -> None:
    given = (random_pattern(signed=True), *values_and_writers())
    before, after = path_cancellation(*given), path_cancellation(*gauge(*given))
    for name in (name for name in before.tensors() if name.startswith("contribution_")):
        assert_close(after.tensors()[name], before.tensors()[name], msg=name)


def test_a_flip_changes_what_is_listed_and_nothing_else() -> None:
    given = (random_pattern(signed=True), *values_and_writers())
    before, after = path_cancellation(*given), path_cancellation(*flip(*given))
    same = {name for name, tensor in before.tensors().items() if torch.allclose(tensor, after.tensors()[name])}
    assert set(before.tensors()) - same == set(before.about.by_gauge["odd"])


def test_a_null_deals_signs_and_keeps_magnitudes() -> None:
    pattern = random_pattern(signed=True)
    found: PathCancellation = path_cancellation(pattern, *values_and_writers())
    assert bool((found.cancellation_null_spread[:-1] > 0).any())
    alone = path_cancellation(-random_pattern(signed=False), *values_and_writers())
    assert_close(alone.cancellation_null, alone.cancellation)  # signs that are all alike have one deal


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_of_the_table_draws_a_prompt_of_every_variant(variant: str) -> None:
    model = hooked_tiny(variant)
    tokens = PromptTokens(IDS, tuple(map(str, IDS)))
    [run] = gathered_activations(model, [tokens], sorted({name for row in ROWS for name in row.needs}))
    setting = Setting(model_facts(model), lambda: head_weights(model))
    for row in ROWS:
        result = row.compute(setting, run)
        assert all(tensor.isfinite().all() for tensor in result.tensors().values()), row.name
        assert result.figure().data and result.to_json()["about"]["title"]


def test_bars_show_every_token_beside_the_null() -> None:
    found = squashing(narrow("cog"), IDS, ["<s>", "a", "b", "c", "d", " "])
    figure = found.figure()
    bar, null = figure.data
    assert bar.y.tolist() == found.norm.tolist() and null.y.tolist() == found.norm_null.tolist()
    assert figure.layout.xaxis.ticktext == ("0 &lt;s&gt;", "1 a", "2 b", "3 c", "4 d", "5 ·")


def test_the_figure_of_weights_says_that_it_depends_on_the_gauge() -> None:
    figure = path_cancellation(random_pattern(signed=True), *values_and_writers()).figure()
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == [
        "of contributions",
        "of weights (gauge-dependent)",
    ]
    assert [one.visible for one in figure.data] == [True, True, False, False]
