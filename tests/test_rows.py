"""Row statistics: hand-made rows, strips against whole patterns, closed Jacobians against autograd, gauge, memory."""

import math
from dataclasses import replace
from functools import wraps
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.figures.row_statistics import row_curves_figure
from headscope.interp.results.nulls import softmax_twin
from headscope.interp.rows import strips as strips_module
from headscope.interp.rows.curves import RowCurves, refuse_other_axes, row_curves
from headscope.interp.rows.dilution import dilution_slope
from headscope.interp.rows.heads import head_rows
from headscope.interp.rows.measures import mean_distance
from headscope.interp.rows.reading import BESIDE_NULL, BESIDE_TWIN
from headscope.interp.rows.strips import row_curves_by_strips
from headscope.models.attention import VARIANTS, attend
from headscope.models.attention.fused.tiled import STRIP_ROWS, TILE_ELEMENTS, tile_scores
from headscope.models.attention.jacobian import norm_by_pullback
from headscope.models.attention.largest import largest_entries
from headscope.models.attention.power import power_of

LENGTH, D_HEAD = 150, 8
POLYNOMIAL = VARIANTS["polynomial"]
OPTIONS: dict[str, dict[str, Any]] = {
    "polynomial": {"power": 3, "n_ctx": LENGTH},
    "selective": {"temperature_q": 1 + 0.5 * torch.arange(1, LENGTH + 1).double().log()[None, None]},
}
CASES = [(name, OPTIONS.get(name, {})) for name in VARIANTS]
CASES += [("polynomial", {"power": power, "coefficient": "per_row"}) for power in (1, 2)]
FLIPPED = [case for case in CASES if VARIANTS[case[0]].parity(case[1])]
ALL = pytest.mark.parametrize(("variant", "options"), CASES)
BY_HEAD = [case for case in CASES if VARIANTS[case[0]].slope and not VARIANTS[case[0]].mixes_heads]
CLOSED = pytest.mark.parametrize(("variant", "options"), BY_HEAD)


def queries_and_keys(layers: int = 2, heads: int = 2, length: int = LENGTH) -> tuple[Tensor, Tensor]:
    return torch.randn(layers, heads, length, D_HEAD).double(), torch.randn(layers, heads, length, D_HEAD).double()


def whole(variant: str, q: Tensor, k: Tensor, mask: Tensor | None = None, **options: Any) -> RowCurves:
    """Row curves from a kept pattern."""
    run = attend(variant, q, k, k, mask=mask, **options)
    assert run.pattern is not None and run.scores is not None
    visible = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
    visible = visible if mask is None else visible & mask
    seen = visible.expand(q.shape[0], -1, -1)
    row = VARIANTS[variant]
    kernels = None if row.read_kernel else [row.prepare(q, k, **options).kernel] * len(q)
    return row_curves(run.pattern, run.scores, seen, [variant] * len(q), kernels=kernels)


def of_pattern(rows: list[list[float]], **changes: Any) -> RowCurves:
    """Row curves of one hand-made causal head, its scores its weights."""
    pattern = torch.tensor(rows)[None, None].double()
    visible = torch.ones(pattern.shape[-2:], dtype=torch.bool).tril()[None]
    return row_curves(pattern, pattern, visible, ("cog",), **changes)


def of_softmax(scores: list[float]) -> dict[str, float]:
    """The numbers of one row of softmax, counted one by one."""
    weights = [math.exp(p) / sum(map(math.exp, scores)) for p in scores]
    nats, squares = -sum(b * math.log(b) for b in weights), sum(b * b for b in weights)
    return {
        "entropy": nats,
        "normalised_entropy": nats / math.log(len(scores)),
        "participation": 1 / squares,
        "spikiness": 1 / (len(scores) * squares),
        "row_norm": math.sqrt(squares),
        "jacobian_norm": math.sqrt(squares - 2 * sum(b**3 for b in weights) + squares**2),
    }


def test_a_hand_made_row_has_the_numbers_one_counts() -> None:
    curves = of_pattern([[1.0, 0, 0, 0], [-0.5, 0.5, 0, 0], [0, 0, 1, 0], [0.5, -0.25, 0.25, 0]], top=2)
    last = {name: round(float(value[0, 0, 3]), 6) for name, value in curves.tensors().items()}
    assert last == {
        "entropy": round(1.5 * math.log(2), 6),
        "normalised_entropy": 0.75,
        "participation": round(1 / 0.375, 6),
        "spikiness": round(1 / 1.5, 6),
        "top_mass": 0.75,
        "max_share": 0.5,
        "negative_mass": 0.25,
        "signed_sum": 0.5,
        "mean_distance": 0.5 * 3 + 0.25 * 2 + 0.25,
        "diagonal_mass": 0.0,
        "previous_token_mass": 0.25,
        "first_token_mass": 0.5,
        "row_norm": round(math.sqrt(0.375), 6),
        "jacobian_norm": round(math.sqrt(0.375 - 2 * (0.125 + 2 / 64) + 0.375**2), 6),
        "top_mass_null": 0.5,
        "max_share_null": 0.25,
        "mean_distance_null": 1.5,
        "diagonal_mass_null": 0.25,
        "previous_token_mass_null": 0.25,
        "first_token_mass_null": 0.25,
        **{f"{name}_null": round(value, 6) for name, value in of_softmax([0.5, -0.25, 0.25, 0.0]).items()},
        "visible_keys": 4,
    }


def test_equal_weights_are_their_own_null() -> None:
    curves = of_pattern((torch.ones(6, 6).tril() / torch.arange(1, 7)[:, None]).tolist())
    for name in BESIDE_NULL:
        assert_close(getattr(curves, name), getattr(curves, f"{name}_null"))
    assert_close(head_rows(curves).spikiness, torch.ones(1, 1).double())


@ALL
def test_the_twin_is_softmax_of_the_same_scores(variant: str, options: dict[str, Any]) -> None:
    q, k = queries_and_keys()
    run, visible = attend(variant, q, k, k, **options), torch.ones(len(q), LENGTH, LENGTH, dtype=torch.bool).tril()
    assert run.scores is not None
    twin = row_curves(softmax_twin(run.scores, visible[:, None]), run.scores, visible, ["softmax"] * len(q))
    curves = row_curves_by_strips(variant, q, k, **options)
    for name in BESIDE_TWIN:
        assert_close(getattr(curves, f"{name}_null"), getattr(twin, name), equal_nan=True)
    own = all(
        torch.equal(curves.tensors()[n].nan_to_num(), curves.tensors()[f"{n}_null"].nan_to_num()) for n in BESIDE_TWIN
    )
    assert own == (variant in ("softmax", "selective"))
    heads, of_twin = head_rows(curves), head_rows(twin)
    for name in ("entropy", "spikiness", "frobenius", "frobenius_per_root", "jacobian_norm", "jacobian_per_root"):
        assert_close(getattr(heads, f"{name}_null"), getattr(of_twin, name))


def test_distance_is_counted_both_ways() -> None:
    b = torch.tensor([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    assert mean_distance(b, torch.arange(3)).tolist() == [0.75, 1.0, 0.5]


@ALL
def test_strips_are_the_whole_pattern(variant: str, options: dict[str, Any]) -> None:
    q, k = queries_and_keys()
    strips, plain = row_curves_by_strips(variant, q, k, **options), whole(variant, q, k, **options)
    for name, value in plain.tensors().items():
        assert_close(strips.tensors()[name], value, equal_nan=True, msg=lambda said, name=name: f"{name}: {said}")
    assert strips.about == plain.about


def test_strips_keep_to_a_mask_and_to_the_last_queries_of_grouped_heads() -> None:
    q, k = queries_and_keys()
    mask = torch.rand(q.shape[2], k.shape[2]) > 0.3
    last = row_curves_by_strips("cog", q[:, :, -20:], k[:, :1], mask=mask[-20:])
    plain = whole("cog", q, k[:, :1].expand_as(k), mask=mask)
    for name, value in plain.tensors().items():
        assert_close(last.tensors()[name], value[..., -20:], equal_nan=True)


@pytest.mark.parametrize("variant", ["cog", "softmax", "expressive"])
def test_scores_of_zero_and_rows_that_see_nothing_are_those_of_the_whole_pattern(variant: str) -> None:
    q, k = queries_and_keys(layers=1)
    q[..., 5, :] = 0
    mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool)
    mask[140] = False
    for given in (None, mask):
        strips, plain = row_curves_by_strips(variant, q, k, mask=given), whole(variant, q, k, given)
        for name, value in plain.tensors().items():
            assert_close(strips.tensors()[name], value, equal_nan=True)


@pytest.mark.parametrize("size", [1e-15, 1e-8, 1e19])
def test_expressive_rows_that_the_direct_form_would_lose_are_those_of_the_whole_pattern(size: float) -> None:
    q, k = queries_and_keys(layers=1)
    strips, plain = row_curves_by_strips("expressive", size * q, k), whole("expressive", size * q, k)
    for name, value in plain.tensors().items():
        assert_close(strips.tensors()[name], value, equal_nan=True)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("n", [7, 130, 1300])
def test_the_largest_entries_of_a_row_are_those_of_a_sort(n: int, k: int) -> None:
    x = torch.randn(2, 3, n).round(decimals=1)  # many are equal
    x[0, 0, 1:] = -torch.inf
    found = largest_entries(x, k)
    assert_close(found.values.sort(-1, descending=True).values, x.sort(-1, descending=True).values[..., :k])
    assert_close(x.gather(-1, found.places), found.values)
    assert all(len(set(row)) == k for row in found.places.flatten(0, 1).tolist())


def test_sharp_rows_are_as_exact_by_strips_in_single_precision() -> None:
    q, k = queries_and_keys(layers=1)
    exact, single = (row_curves_by_strips("cog", 6 * x, y) for x, y in ((q, k), (q.float(), k.float())))
    assert exact.max_share[..., 1:].amax() > 1 - 1e-6
    for name, value in exact.tensors().items():
        assert_close(single.tensors()[name].to(value.dtype), value, rtol=1e-3, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("variant", ["cog", "expressive"])
def test_strips_see_the_future_where_nothing_is_causal(variant: str) -> None:
    q, k = queries_and_keys(layers=1)
    run = attend(variant, q, k, k, causal=False)
    assert run.pattern is not None and run.scores is not None
    plain = row_curves(run.pattern, run.scores, torch.ones(1, LENGTH, LENGTH, dtype=torch.bool), (variant,))
    strips = row_curves_by_strips(variant, q, k, causal=False)
    for name, value in plain.tensors().items():
        assert_close(strips.tensors()[name], value)


@ALL
def test_no_strip_is_larger_than_a_block(
    variant: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed: list[int] = []

    @wraps(tile_scores)
    def counted_scores(*args: Any) -> Tensor:
        scores = tile_scores(*args)
        weighed.append(scores.numel())
        return scores

    monkeypatch.setattr(strips_module, "tile_scores", counted_scores)
    n = 1200
    q, k = (x.float() for x in queries_and_keys(1, 2, n))
    if "temperature_q" in options:
        options = {"temperature_q": torch.ones(1, 1, n)}
    row_curves_by_strips(variant, q, k, **options)
    assert sum(weighed) > n * n and max(weighed) <= max(TILE_ELEMENTS, STRIP_ROWS * n) < n * n


@ALL
def test_the_closed_jacobian_norm_is_autograds(variant: str, options: dict[str, Any]) -> None:
    row = VARIANTS[variant]
    q, k = queries_and_keys(1, 2 if row.mixes_heads else 1, 9)
    options = {name: value[..., :9] if isinstance(value, Tensor) else value for name, value in options.items()}
    run = attend(variant, q, k, k, **options)
    assert run.pattern is not None and run.scores is not None
    kernel = row.prepare(q, k, **options).kernel
    visible = torch.ones(9, 9, dtype=torch.bool).tril()[None, None]
    jacobian: Any = torch.autograd.functional.jacobian(lambda p: row.weigh(p, visible, **kernel), run.scores)
    by_row = torch.stack([jacobian[0, 0, t, :, 0, :, t] for t in range(9)])  # of the scores of all heads
    closed = row.jacobian_norm(run.pattern, run.scores, visible, **kernel)
    assert_close(closed[0, 0], by_row.flatten(1).norm(dim=-1))


@pytest.mark.parametrize("power", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1e-20, 1e-3, 1.0, 1e20])
def test_the_closed_jacobian_of_a_power_is_autograds_at_any_size_of_scores(power: int, size: float) -> None:
    scores = torch.randn(1, 6).double() * size
    scores[0, 2] = 0
    jacobian: Any = torch.autograd.functional.jacobian(lambda p: 0.3 * p**power, scores)
    slope = jacobian[0, :, 0]
    peak = slope.abs().max()
    closed = POLYNOMIAL.jacobian_norm(0.3 * scores**power, scores, power=power)
    assert_close(closed / peak, (slope / peak).norm()[None])
    assert closed.isfinite() and closed > 0


@pytest.mark.parametrize(("size", "power"), [(1e20, 2), (1e-15, 2), (1e11, 3), (1e-11, 3), (1e20, 1), (1e-20, 1)])
def test_what_overflows_in_single_precision_is_known_from_the_row_s_other_weights(size: float, power: int) -> None:
    scores = torch.tensor([[1.0, -2.0, 3.0, 0.0]])
    scores[0, 1:3] *= size
    exact = POLYNOMIAL.jacobian_norm(0.3 * scores.double() ** power, scores.double(), power=power)
    found = POLYNOMIAL.jacobian_norm(0.3 * scores**power, scores, power=power)
    assert_close(found.double(), exact, rtol=1e-5, atol=0)


def test_a_row_that_tells_no_coefficient_has_no_jacobian_norm() -> None:
    zeros, ones, infinite = torch.zeros(1, 3), torch.ones(1, 3), torch.full((1, 3), torch.inf)
    assert POLYNOMIAL.jacobian_norm(zeros, zeros, power=1).isnan()
    assert POLYNOMIAL.jacobian_norm(zeros, zeros, power=2) == 0
    assert POLYNOMIAL.jacobian_norm(infinite, 1e20 * ones, power=3).isnan()


def test_a_masked_score_of_zero_has_no_slope() -> None:
    scores, visible = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[True, True, False]])
    assert_close(POLYNOMIAL.jacobian_norm(0.5 * scores, scores, visible, power=1), torch.tensor([0.5 * 2**0.5]))


def test_tiny_scores_of_expressive_attention_have_a_huge_jacobian_that_is_finite() -> None:
    scores = torch.tensor([[1e-25, 2e-25, -3e-25]])
    exact = torch.tensor([[1e-5, 2e-5, -3e-5]]).double()
    weights = torch.tensor([[1.0, 4.0, 9.0]]) / 14
    expected = VARIANTS["expressive"].jacobian_norm(exact**2 / (exact**2).sum(), exact) * 1e20
    assert_close(VARIANTS["expressive"].jacobian_norm(weights, scores).double(), expected, rtol=1e-4, atol=0)


def test_a_pattern_without_an_axis_of_layers_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"axes layer, head, query and key .* this one is \(2, 3, 3\): take pattern"):
        refuse_other_axes(torch.ones(2, 3, 3))
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match="axes layer, head, query and key"):
            row_curves(torch.ones(2, 3, 3), torch.ones(2, 3, 3), torch.ones(2, 3, 3).bool(), ("cog",) * 2)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@CLOSED
def test_a_closed_jacobian_norm_is_that_of_the_pullback(variant: str, options: dict[str, Any]) -> None:
    q, k = queries_and_keys(1, 2, 9)
    options = {name: value[..., :9] if isinstance(value, Tensor) else value for name, value in options.items()}
    run, row = attend(variant, q, k, k, **options), VARIANTS[variant]
    assert run.pattern is not None and run.scores is not None
    kernel, visible = row.prepare(q, k, **options).kernel, torch.ones(9, 9, dtype=torch.bool).tril()
    by_pullback = norm_by_pullback(row.pullback, run.pattern, run.scores, visible[None, None], kernel)
    assert_close(by_pullback, row.jacobian_norm(run.pattern, run.scores, visible, **kernel))


def test_a_sharp_row_has_a_small_jacobian_in_single_precision_too() -> None:
    scores = torch.tensor([[20.0, 4.0, 3.0]])
    exact = VARIANTS["softmax"].jacobian_norm(scores.double().softmax(-1), scores.double())
    assert 0 < exact.item() < 1e-6
    assert_close(VARIANTS["softmax"].jacobian_norm(scores.softmax(-1), scores).double(), exact, rtol=0.2, atol=0)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_the_power_is_read_off_the_weights(power: int) -> None:
    scores = torch.randn(2, 5, 5).tril()
    assert power_of(0.1 * scores.pow(power), scores.masked_fill(scores == 0, -torch.inf)) == power
    assert power_of(torch.ones(1, 1), torch.ones(1, 1)) is None


@pytest.mark.parametrize(("variant", "options"), FLIPPED)
def test_only_what_is_listed_depends_on_a_flip_of_signs(variant: str, options: dict[str, Any]) -> None:
    q, k = queries_and_keys()
    one, flipped = (head_rows(row_curves_by_strips(variant, x, k, **options)) for x in (q, -q))
    changed = {n for n, value in one.tensors().items() if not torch.allclose(value, flipped.tensors()[n])}
    twins = {name for name in one.tensors() if name.endswith("_null") and name.removesuffix("_null") not in BESIDE_NULL}
    odd = VARIANTS[variant].parity(options) == "odd"
    assert changed == twins | ({"negative_mass", "signed_sum"} if odd else set())
    assert changed <= set(one.about.gauge_dependent)


@pytest.mark.parametrize("variant", ["softmax", "selective"])
def test_softmax_has_no_such_freedom(variant: str) -> None:
    q, k = queries_and_keys()
    assert row_curves_by_strips(variant, q, k, **OPTIONS.get(variant, {})).about.gauge_dependent == ()


def test_only_what_is_listed_depends_on_the_free_scale_of_polynomial_attention() -> None:
    q, k = queries_and_keys()
    one, scaled = (head_rows(row_curves_by_strips("polynomial", x, k, **OPTIONS["polynomial"])) for x in (q, 3 * q))
    changed = {n for n, value in one.tensors().items() if not torch.allclose(value, scaled.tensors()[n])}
    assert {"frobenius", "jacobian_norm"} < changed <= set(one.about.gauge_dependent)


@pytest.mark.parametrize("variant", ["softmax", "cog"])
def test_normalised_patterns_keep_the_bounds_of_their_norms(variant: str) -> None:
    q, k = queries_and_keys()
    heads = head_rows(row_curves_by_strips(variant, q, k))
    assert heads.frobenius_per_root.max() <= 1 and heads.jacobian_per_root.max() <= 0.5
    run = attend(variant, q, k, k)
    assert run.pattern is not None
    assert_close(heads.frobenius, run.pattern.norm(dim=(-2, -1)))


def test_equal_weights_dilute_with_slope_minus_one_and_a_fixed_share_does_not() -> None:
    n = torch.arange(1, 30)
    slopes = dilution_slope(torch.stack([1 / n, torch.full((29,), 0.7), n.double().pow(-0.5)]).double(), n)
    assert_close(slopes, torch.tensor([-1.0, 0.0, -0.5]).double())
    assert dilution_slope(torch.rand(5), torch.full((5,), 4)).isnan()


def test_rows_without_a_choice_and_dead_rows_are_not_counted() -> None:
    heads = head_rows(of_pattern([[-1.0, 0, 0], [0.25, 0.75, 0], [0, 0, 0]]))
    assert (heads.negative_mass.item(), heads.first_token_mass.item(), heads.max_share.item()) == (0, 0.25, 0.75)
    assert_close(heads.frobenius.item(), math.sqrt(1 + 0.625))
    assert head_rows(of_pattern([[-1.0]])).entropy.isnan().all()
    zeros = torch.zeros(1, 1, 1, 2)
    unseen = row_curves(zeros, zeros, zeros[0].bool(), ("cog",))
    assert (
        unseen.entropy_null.isnan().all() and unseen.spikiness_null.isnan().all() and unseen.row_norm_null.item() == 0
    )


def test_the_entropy_of_all_rows_counts_the_first_which_sees_one_key() -> None:
    heads = head_rows(of_pattern([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0.5, -0.5]]))
    assert_close(heads.entropy.item(), math.log(2))
    assert_close(heads.entropy_all_rows.item(), 2 / 3 * math.log(2))
    dead = head_rows(of_pattern([[1.0, 0, 0], [0, 0, 0], [0.5, 0.5, 0]]))
    assert_close(dead.entropy_all_rows.item(), math.log(2) / 2)


@ALL
def test_the_two_entropies_and_their_nulls_differ_by_the_first_row_alone(variant: str, options: dict[str, Any]) -> None:
    curves = row_curves_by_strips(variant, *queries_and_keys(), **options)
    heads, alive = head_rows(curves), curves.entropy.isfinite()  # a row without weights has no entropy
    assert_close(alive.sum(-1) * heads.entropy_all_rows, alive[..., 1:].sum(-1) * heads.entropy)
    assert_close(LENGTH * heads.entropy_all_rows_null, (LENGTH - 1) * heads.entropy_null)
    assert "entropy_all_rows" in heads.about.law and "2303.06296" in heads.about.source


def test_a_power_that_cannot_be_read_leaves_no_jacobian() -> None:
    one = torch.ones(1, 1, 1, 1)
    curves = row_curves(one, one, one[0].bool(), ("polynomial",))
    assert curves.jacobian_norm.isnan().all() and curves.row_norm.item() == 1
    with pytest.raises(ValueError, match="polynomial attention needs its power"):
        POLYNOMIAL.jacobian_norm(one, one)


def test_a_power_that_is_given_is_not_read() -> None:
    scores = torch.tensor([[1.0, 0.0], [2.0, 3.0]])[None, None]
    given = row_curves(scores**3, scores, torch.ones(1, 2, 2).bool(), ("polynomial",), kernels=({"power": 2},))
    assert_close(given.jacobian_norm[0, 0], torch.tensor([2.0, 2 * math.hypot(4, 9)]))
    ones, both = torch.ones(2, 1, 1, 1), ("cog", "polynomial")
    assert row_curves(ones, ones, ones[:, 0].bool(), both, kernels=({}, {"power": 3})).jacobian_norm[1] == 3
    with pytest.raises(ValueError, match="a kernel is named for each of the 2 layers; got 1"):
        row_curves(ones, ones, ones[:, 0].bool(), both, kernels=({"power": 3},))


def test_layers_and_variants_are_counted() -> None:
    with pytest.raises(ValueError, match="named for each of the 1 layers; got 2"):
        row_curves(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool), ("cog",) * 2)


def test_a_statistic_is_a_head_score_beside_its_null() -> None:
    heads = head_rows(of_pattern([[1.0, 0], [0.5, -0.5]]))
    score = heads.score("first_token_mass")
    assert score.value_null is not None and score.value_null.item() == 0.5 and score.about.gauge_dependent == ()
    assert heads.score("negative_mass").about.gauge_dependent == ("value",)
    with pytest.raises(ValueError, match="unknown statistic 'colour'; known: entropy"):
        heads.score("colour")


def test_the_grid_of_heads_shows_one_statistic_at_a_time_beside_its_null() -> None:
    heads = head_rows(of_pattern([[1.0, 0], [0.25, -0.75]]))
    figure: Any = heads.figure()
    shown = [trace for trace in figure.data if trace.visible]
    names = [button.label for button in figure.layout.updatemenus[0].buttons]
    assert [trace.name for trace in shown] == ["normalised_entropy"] and names[0] == "normalised entropy"
    assert "negative mass (gauge-dependent)" in names and len(names) == len(figure.data)
    first = next(trace for trace in figure.data if trace.name == "first_token_mass")
    assert first.z.tolist() == [[0.25]] and first.text.tolist() == [["0.5000"]]


def test_curves_run_along_the_prompt_beside_equal_weights() -> None:
    curves = replace(of_pattern([[1.0, 0], [0.25, -0.75]]), labels={"query": ("<s>", "b")})
    figure: Any = row_curves_figure(curves, "first_token_mass")
    line, null = figure.data
    assert (line.y.tolist(), null.y.tolist()) == ([1, 0.25], [1, 0.5])
    assert figure.layout.xaxis.labelalias["0"] == "&lt;s&gt; at 0" and null.name == "equal weights"
    drawn: Any = curves.figure()
    assert drawn.data[0].y[1] == curves.normalised_entropy[0, 0, 1]
    with pytest.raises(ValueError, match="unknown statistic 'colour'; known: entropy"):
        row_curves_figure(curves, "colour")
