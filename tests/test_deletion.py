"""Deletion and copying: hand-made heads with known answers, plain formulas, and what a change of gauge may change."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hooked_cases import GROUPED
from tiny_decoders import attached
from tiny_models import hooked_tiny, tiny_model, tiny_tokenizer
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Analysis, Setting
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.deletion.attention_contribution import NamePoints, attention_contribution, name_points, pearson
from headscope.interp.deletion.contributions import contributions, ov_terms
from headscope.interp.deletion.decision_plane import decision_plane
from headscope.interp.deletion.negative_mass import negative_mass
from headscope.interp.deletion.of_head import NEEDS, TWIN, HeadContributions, head_contributions
from headscope.interp.deletion.quadrants import QUADRANTS, Quadrants, quadrant_masses, quadrants
from headscope.interp.deletion.rows import ROWS
from headscope.interp.deletion.scales import scale_to_logits
from headscope.interp.figures.head_deletion import row_figure
from headscope.interp.reading.activations import MIXING, Activations, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked
from headscope.models.hosts.attachment import spec_of

POS = 7
IDS = (5, 17, 9, 5, 88, 17, 5, 120, 64)
SIGNS = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def signed_pattern(layers: int = 2) -> Tensor:
    return torch.randn(layers, 3, POS, POS, dtype=torch.float64).tril()


def scene() -> tuple[Tensor, Tensor, Tensor]:
    """Pattern, OV terms and scales of two layers with three heads."""
    return (
        signed_pattern(),
        torch.randn(2, 3, POS, dtype=torch.float64),
        torch.rand(2, POS, 1, dtype=torch.float64) + 0.5,
    )


def one_cell(weight: float, term: float) -> tuple[Tensor, Tensor, Tensor]:
    return torch.tensor([[[[weight]]]]), torch.tensor([[[term]]]), torch.ones(1, 1, 1)


def same_but_for_gauge(one: Result, other: Result, **tolerance: Any) -> None:
    """Every number is the same, or the result has said that it depends on the gauge."""
    for name in set(one.tensors()) - set(one.about.gauge_dependent):
        assert_close(other.tensors()[name], one.tensors()[name], equal_nan=True, msg=name, **tolerance)


def moved(one: Result, other: Result) -> set[str]:
    return {n for n, x in one.tensors().items() if not torch.allclose(x, other.tensors()[n], equal_nan=True)}


def test_a_contribution_is_weight_times_ov_over_the_scale() -> None:
    pattern, ov, scale = scene()
    found = contributions(pattern, ov, scale, [(1, 2), (0, 1)])
    assert_close(found.contribution[0, 5, 3], pattern[1, 2, 5, 3] * ov[1, 2, 3] / scale[1, 5, 0])
    assert_close(found.contribution[1, 4, 0], pattern[0, 1, 4, 0] * ov[0, 1, 0] / scale[0, 4, 0])
    assert found.labels["head"] == ("L1H2", "L0H1")


def test_contributions_to_a_fixed_token_add_up_to_the_heads_logits() -> None:
    pattern, _, scale = scene()
    values = torch.randn(2, POS, 1, 4, dtype=torch.float64)
    W_O, u = torch.randn(2, 3, 4, 8, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
    every = [(layer, head) for layer in range(2) for head in range(3)]
    found = contributions(pattern, ov_terms(values, W_O, u.expand(-1, POS)), scale, every)
    z = torch.einsum("lhqk,lke->lqhe", pattern, values[:, :, 0])
    by_layer = torch.einsum("lqhe,lhem->lqm", z, W_O) @ u / scale
    assert_close(found.contribution.sum((0, 2)), by_layer.sum(0)[:, 0])


@pytest.mark.parametrize("heads", [[], [(2, 0)], [(0, 3)], [(0, -1)]])
def test_heads_that_are_not_there_are_refused(heads: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="there are layers 0 to 1 with heads 0 to 2"):
        contributions(*scene(), heads)


@pytest.mark.parametrize("quadrant", range(4))
def test_each_pair_of_signs_has_its_quadrant(quadrant: int) -> None:
    share = quadrants(*one_cell(*SIGNS[quadrant].tolist())).share
    assert_close(share[0, 0], torch.eye(4)[quadrant])


def test_quadrants_are_the_masked_sums_of_contributions() -> None:
    pattern, ov, scale = scene()
    C = contributions(pattern, ov, scale, [(1, 1)]).contribution[0]
    signs = [pattern[1, 1].sign(), ov[1, 1].sign().expand(POS, POS)]
    plain = [C.abs()[(signs[0] == a) & (signs[1] == o)].sum() for a, o in SIGNS]
    assert_close(quadrant_masses(pattern, ov, scale)[1, 1], torch.stack(plain))
    found = quadrants(pattern, ov, scale)
    assert_close(found.share[1, 1], torch.stack(plain) / C.abs().sum())
    assert_close(found.net_copy[1, 1], C.clamp(min=0).sum() / C.abs().sum())


def test_the_quadrants_of_many_heads_are_grids_with_their_null() -> None:
    found = quadrants(torch.randn(5, 10, 4, 4).tril(), torch.randn(5, 10, 4), torch.ones(5, 4, 1))
    figure: Any = found.figure()
    assert [(trace.type, trace.name) for trace in figure.data] == [("heatmap", name) for name in QUADRANTS]
    assert [trace.visible for trace in figure.data] == [True, False, False, False]
    drawn = torch.tensor(figure.data[1].z)
    is_free = found.share_null_spread[..., 1] > 0  # the others can be nothing else, and are grey
    assert is_free.any() and torch.equal(drawn.isnan(), ~is_free)
    assert_close(drawn[is_free], found.share[..., 1][is_free], check_dtype=False)
    assert figure.data[1].hovertext[2, 3].startswith(f"{float(found.share_null[2, 3, 1]):.4f} ±")


def test_layer_and_model_shares_weigh_heads_by_their_mass() -> None:
    pattern, ov, scale = scene()
    mass, found = quadrant_masses(pattern, ov, scale), quadrants(pattern, ov, scale)
    assert_close(found.layer_share[0], mass[0].sum(0) / mass[0].sum())
    assert_close(found.model_share, mass.sum((0, 1)) / mass.sum())


def test_a_head_that_writes_nothing_has_no_shares() -> None:
    pattern, ov, scale = scene()
    ov[0, 1] = 0
    assert quadrants(pattern, ov, scale).share[0, 1].isnan().all()
    assert decision_plane(pattern, ov, scale).dynamic[0, 1].isnan()


def test_the_flip_swaps_quadrants_and_leaves_the_net_reading() -> None:
    pattern, ov, scale = scene()
    one, flipped = quadrants(pattern, ov, scale), quadrants(-pattern, -ov, scale)
    assert_close(flipped.share, one.share[..., [3, 2, 1, 0]])
    same_but_for_gauge(one, flipped)


@pytest.mark.parametrize("analysis", [quadrants, decision_plane])
def test_a_flip_of_one_head_changes_only_what_says_so(analysis: Any) -> None:
    pattern, ov, scale = scene()
    one = analysis(pattern, ov, scale)
    pattern[0, 1], ov[0, 1] = -pattern[0, 1], -ov[0, 1]
    flipped = analysis(pattern, ov, scale)
    same_but_for_gauge(one, flipped)
    assert moved(one, flipped) == set(one.about.gauge_dependent)


def test_a_kernel_without_negative_weights_decides_nothing_dynamically() -> None:
    pattern, ov, scale = scene()
    found = decision_plane(pattern.abs(), ov, scale)
    assert (found.dynamic == 0).all() and (found.dynamic_null == 0).all() and (found.static > 0).all()


def test_an_ov_circuit_of_one_sign_decides_nothing_statically() -> None:
    pattern, ov, scale = scene()
    found = decision_plane(pattern, -ov.abs(), scale)
    assert (found.static == 0).all() and (found.dynamic > 0).all()


def test_the_plane_is_one_less_the_weighted_mean_signs() -> None:
    pattern, ov, scale = scene()
    weight = (pattern * ov[:, :, None] / scale[:, None]).abs()
    mean_A, mean_OV = (
        (weight * s).sum((-2, -1)) / weight.sum((-2, -1)) for s in (pattern.sign(), ov.sign()[:, :, None])
    )
    found = decision_plane(pattern, ov, scale)
    assert_close(found.dynamic, 1 - mean_A.abs())
    assert_close(found.static, 1 - mean_OV.abs())


def test_signs_that_weigh_the_same_are_fully_dynamic() -> None:
    pattern = torch.tensor([[[[0.5, -0.5]]]])
    assert decision_plane(pattern, torch.ones(1, 1, 2), torch.ones(1, 1, 1)).dynamic.item() == 1


PATTERN = torch.tensor([[[[-1.0, 0.0, 0.0], [-0.25, 0.75, 0.0], [0.5, -0.25, -0.25]]]])
VISIBLE = torch.ones(1, 3, 3, dtype=torch.bool).tril()


def test_negative_mass_of_a_hand_made_head() -> None:
    found = negative_mass(PATTERN, VISIBLE)
    numbers = (found.negative_mass, found.minority_mass, found.signed_sum, found.cancellation)
    assert_close(torch.cat(numbers)[:, 0], torch.tensor([0.375, 0.375, 0.25, 0.75]))


def test_the_flip_turns_negative_mass_into_its_complement() -> None:
    pattern, visible = signed_pattern(1), torch.ones(1, POS, POS, dtype=torch.bool).tril()
    one, flipped = negative_mass(pattern, visible), negative_mass(-pattern, visible)
    assert_close(flipped.negative_mass, 1 - one.negative_mass)
    same_but_for_gauge(one, flipped)
    assert moved(one, flipped) == set(one.about.gauge_dependent)


def test_weights_that_are_all_positive_have_no_negative_mass_and_no_null() -> None:
    found = negative_mass(PATTERN.abs(), VISIBLE)
    assert found.negative_mass.item() == found.cancellation.item() == found.minority_mass_null.item() == 0


def test_large_weights_that_all_subtract_stand_out_from_the_null() -> None:
    row = torch.tensor([-1.0, -1.0, -1.0, 0.1, 0.1, 0.1, 0.1, 0.1])
    found = negative_mass(row.expand(1, 1, 64, 8).clone(), torch.ones(1, 64, 8, dtype=torch.bool))
    assert found.minority_mass.item() < found.minority_mass_null.item() - 5 * found.minority_mass_null_spread.item()


def test_r_is_that_of_numpy_and_the_flip_turns_its_sign() -> None:
    x, y = torch.randn(2, 1, 3, 9)
    r = pearson(x, y)
    assert_close(r[0, 1], torch.tensor(np.corrcoef(x[0, 1], y[0, 1])[0, 1], dtype=torch.float32))
    one, flipped = (attention_contribution([NamePoints(sign * x, y)]) for sign in (1, -1))
    assert_close(flipped.correlation, -one.correlation)
    same_but_for_gauge(one, flipped)


def test_a_head_that_copies_in_proportion_has_r_one_beyond_its_null() -> None:
    x = torch.rand(1, 1, 30)
    found = attention_contribution(
        [NamePoints(x[..., :10], 2 * x[..., :10] + 1), NamePoints(x[..., 10:], 2 * x[..., 10:] + 1)]
    )
    assert_close(found.correlation, torch.ones(1, 1))
    assert found.strength_null.item() < 0.5


def test_a_large_offset_does_not_spoil_r() -> None:
    x = torch.tensor([1e6, 1e6 + 1, 1e6 + 2])
    assert_close(pearson(x, torch.tensor([1.0, 2.0, 3.0])), torch.tensor(1.0))


def test_a_head_without_spread_has_no_r() -> None:
    assert pearson(torch.full((4,), 0.1), torch.rand(4)).isnan()


def test_a_names_point_sums_its_positions_and_reads_the_heads_output() -> None:
    pattern, z, W_O = signed_pattern(), torch.randn(2, POS, 3, 4).double(), torch.randn(2, 3, 4, 8).double()
    positions, u = torch.zeros(2, POS, dtype=torch.bool), torch.randn(8, 2).double()
    positions[0, [1, 4]] = positions[1, 2] = True
    found = name_points(pattern, z, W_O, positions, u)
    assert_close(
        found.attention[1, 2], torch.stack([pattern[1, 2, -1, 1] + pattern[1, 2, -1, 4], pattern[1, 2, -1, 2]])
    )
    assert_close(found.contribution[1, 2, 1], z[1, -1, 2] @ W_O[1, 2] @ u[:, 1])
    with pytest.raises(ValueError, match="name 1 is at no position"):
        name_points(pattern, z, W_O, positions & torch.tensor([[True], [False]]), u)


def test_one_point_has_no_correlation() -> None:
    found = attention_contribution([NamePoints(torch.ones(1, 1, 1), torch.ones(1, 1, 1))])
    assert found.correlation.isnan().all()


def seen(model: Any, row: Analysis, ids: tuple[int, ...] = IDS) -> tuple[Setting, Activations]:
    prompt = PromptTokens(ids, tuple(f"<t{i}>" for i in ids))
    names = [*row.needs, MIXING, "attn.hook_z", "hook_attn_out"]
    return Setting(model_facts(model), lambda: head_weights(model)), gathered_activations(model, [prompt], names)[0]


@cache
def scene_of(variant: str, change: str = "") -> dict[str, Result]:
    """All rows over a tiny model, whose head L1H1 has had its gauge changed."""
    model = hooked(changed(tiny_model(variant), change), tiny_tokenizer())
    return {row.name: row.compute(*seen(model, row)) for row in ROWS}


def changed(model: Any, change: str) -> Any:
    """The sign of W_Q, of W_Q and W_V, or the basis of the values of one head; the model's function stays."""
    attention, of_head = model.model.layers[1].self_attn, slice(16, 32)
    with torch.no_grad():
        if "Q" in change:
            attention.q_proj.weight[of_head] *= -1
        if "V" in change:
            attention.v_proj.weight[of_head] *= -1
        if "G" in change:
            keeps_lengths = VARIANTS[spec_of(model).variant].factor is not None  # whose norm sees the basis
            gains = torch.tensor(([-1.0, 1.0] if keeps_lengths else [2.0, 0.5]) * 8)
            attention.v_proj.weight[of_head] *= gains[:, None]
            attention.o_proj.weight[:, of_head] /= gains
    return model


@pytest.mark.parametrize(
    ("family", "name"), [*(("llama", name) for name in VARIANTS), *((family, "cog") for family in GROUPED)]
)
def test_attentions_direct_effect_on_a_token_is_the_sum_of_contributions(family: str, name: str) -> None:
    model = hooked(attached(family, name))
    setting, run = seen(model, ROWS[0], (5, 17, 9, 5, 88, 17, 5, 12, 64))
    u, scale = setting.weights.W_U[:, [42]], scale_to_logits(run)
    ov = ov_terms(run["attn.hook_v"], setting.weights.W_O, u.expand(-1, len(IDS)))
    every = list(product(range(3), range(model.cfg.n_heads)))
    found = contributions(run[MIXING], ov, scale, every).contribution.sum((0, 2))
    written = run["hook_attn_out"].sum(0) @ u / run["ln_final.hook_scale"]
    assert_close(found, written[:, 0], atol=1e-4, rtol=1e-4)


def test_a_norm_after_attention_scales_what_a_name_gets() -> None:
    model = hooked(attached("gemma2", "cog"))
    row = next(one for one in ROWS if one.name == "attention_contribution")
    setting, run = seen(model, row, (5, 17, 9, 5))
    found: Any = row.compute(setting, run)
    written = run["hook_attn_out"][:, -1] @ setting.weights.W_U_centred[:, [5, 17, 9]]
    assert_close(found.contribution.sum(1), written, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("row", [row.name for row in ROWS])
@pytest.mark.parametrize(
    ("variant", "change"),
    [("cog", "QV"), ("polynomial", "QV"), ("expressive", "Q"), *[(variant, "G") for variant in VARIANTS]],
)
def test_what_leaves_the_model_leaves_its_numbers(variant: str, change: str, row: str) -> None:
    same_but_for_gauge(scene_of(variant)[row], scene_of(variant, change)[row], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("row", ["deletion", "negative_mass", "contributions"])
def test_the_flip_of_a_model_moves_what_is_said_to_depend_on_the_gauge(row: str) -> None:
    one, flipped = scene_of("cog")[row], scene_of("cog", "QV")[row]
    moving = moved(one, flipped)
    assert moving <= set(one.about.gauge_dependent)
    assert moving or row == "contributions"  # the strongest head may be another


@pytest.mark.parametrize("variant", VARIANTS)
def test_dynamic_decision_and_negative_mass_are_zero_where_no_weight_is_negative(variant: str) -> None:
    found = scene_of(variant)
    signed = not VARIANTS[variant].non_negative
    assert bool((found["decision_plane"].tensors()["dynamic"] > 0).any()) is signed
    assert bool((found["negative_mass"].tensors()["negative_mass"] > 0).any()) is signed


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("row", [row.name for row in ROWS])
def test_every_row_has_a_figure_and_a_table(variant: str, row: str) -> None:
    result = scene_of(variant)[row]
    assert result.figure().data and len(result.to_frame())


@pytest.mark.parametrize(("view", "name"), [(0, "L1H1"), (1, "layer 1"), (2, "all heads")])
def test_the_bars_of_heads_layers_and_the_model_are_full(view: int, name: str) -> None:
    figure: Any = scene_of("cog")["deletion"].figure()
    bars = [one for one, shown in zip(figure.data, buttons_of(figure)[view].args[0]["visible"], strict=True) if shown]
    assert {bar.name for bar in bars} == set(QUADRANTS) and name in bars[0].x
    np.testing.assert_allclose(sum(bar.y for bar in bars), 1, atol=1e-5)
    assert all(("null" in bar.hovertemplate) == (view == 0) for bar in bars)


def test_layers_and_the_model_have_their_own_shares() -> None:
    found: Any = scene_of("cog")["deletion"]
    figure: Any = found.figure()
    assert [button.label for button in buttons_of(figure)] == ["heads", "layers", "model"]
    copy = [bar for bar in figure.data if bar.name == "copy"]
    np.testing.assert_allclose(copy[1].y, found.layer_share[:, 0])
    np.testing.assert_allclose(copy[2].y, found.model_share[:1])
    assert [bar.visible for bar in copy] == [True, False, False] and "gauge-dependent" in figure.layout.title.text


def test_quadrants_of_negative_weights_are_striped_wherever_they_are_drawn() -> None:
    figures: list[Any] = [scene_of("cog")["deletion"].figure(), row_figure(of_one_head())]
    for figure in figures:
        striped = {bar.name for bar in figure.data if bar.type == "bar" and bar.marker.pattern.shape}
        assert striped == {"weight deletion", "double negative"}


def of_one_head() -> HeadContributions:
    pattern = torch.tensor([[0.5, 0.0], [-0.5, 0.5]])
    labels = {"query": ("<s>", " b"), "key": ("<s>", " b")}
    ov, share = torch.tensor([1.0, -1.0]), torch.full((4,), 0.25)
    return HeadContributions(pattern, 3 * pattern.abs(), pattern, ov, share, share, about=TWIN, labels=labels)


def test_a_head_and_its_twin_have_one_range() -> None:
    maps: Any = of_one_head().figure().data
    assert [one.visible for one in maps] == [None, False]
    assert (maps[0].zmin, maps[0].zmax) == (maps[1].zmin, maps[1].zmax) == (-1.5, 1.5)


def test_the_shares_of_a_head_are_what_the_table_of_heads_says() -> None:
    asked = asked_of(hooked_tiny("cog"), ["return x, y"], Choices(), prepend_bos=False)
    [run] = gathered_activations(asked.model, asked.prompts, NEEDS)
    found = head_contributions(asked.setting, run, 1, 0)
    assert_close(found.share, analyse(asked.model, "return x, y", ["deletion"]).of("deletion", Quadrants).share[1, 0])
    assert_close(found.share_null.sum(), torch.tensor(1.0))
    assert (found.share_null[2:] == 0).all()


def buttons_of(figure: Any) -> Any:
    return figure.layout.updatemenus[0].buttons


def test_the_plane_shows_every_head_at_its_numbers() -> None:
    found: Any = scene_of("cog")["decision_plane"]
    heads = found.figure().data[1]
    np.testing.assert_allclose((heads.x[5], heads.y[5]), (found.dynamic[2, 1], found.static[2, 1]))
    assert heads.text[5] == "L2H1"


def test_the_contribution_heatmap_has_escaped_tokens_and_counts_down() -> None:
    figure: Any = scene_of("cog")["contributions"].figure()
    assert (figure.layout.yaxis.labelalias["1"], figure.layout.xaxis.labelalias["0"]) == (
        "&lt;t17&gt; at 1",
        "&lt;t5&gt; at 0",
    )
    assert figure.layout.yaxis.autorange == "reversed" and figure.data[0].text is None
    assert figure.data[0].zmin == -figure.data[0].zmax


def test_a_menu_shows_one_head_at_a_time() -> None:
    figure: Any = contributions(*scene(), [(0, 0), (1, 2)]).figure()
    assert [one.visible for one in figure.data] == [True, False]
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["L0H0", "L1H2"]


def test_the_scatter_shows_the_strongest_head_and_its_r() -> None:
    x = torch.rand(1, 2, 6)
    y = torch.stack([torch.rand(1, 6), 3 * x[:, 1]], 1)
    figure: Any = attention_contribution([NamePoints(x, y)], ["<M>"] * 6).figure()
    np.testing.assert_allclose(figure.data[0].x, x[0, 1])
    assert "L0H1: r = 1.000" in figure.layout.xaxis.title.text and figure.data[0].text[0] == "&lt;M&gt;"
