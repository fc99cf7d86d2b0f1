"""The laws of attention, run over the table of variants: golden vectors, masks, symmetries, gradients, precision."""

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

from headscope.models.attention import VARIANTS, Attention, attend
from headscope.models.attention import tiled as tiled_module
from headscope.models.attention.shapes import check_shapes
from headscope.models.attention.temperature import paper_code_temperature, position_temperature

SCORES = [[0.5, 9, 9, 9], [-1.0, 0.25, 9, 9], [2.0, -0.5, 0.0, 9], [-0.3, 1.2, -2.5, 0.7]]
GOLDEN = {
    "softmax": [
        [1, 0, 0, 0],
        [0.2227001388, 0.7772998612, 0, 0],
        [0.8214090195, 0.0674253582, 0.1111656223, 0],
        [0.1203257354, 0.5392625331, 0.0133324715, 0.3270792600],
    ],
    "cog": [
        [1, 0, 0, 0],
        [-0.6791786992, 0.3208213008, 0, 0],
        [0.7361247243, -0.1642516276, 0, 0],
        [-0.0715489714, 0.1759820728, -0.6457304331, 0.1067385227],
    ],
    "expressive": [
        [1, 0, 0, 0],
        [0.8947368421, 0.1052631579, 0, 0],
        [0.8, 0.2, 0, 0],
        [0.0443046335, 0.3166691839, 0.4625675340, 0.1764586485],
    ],
    "polynomial 2": [[0.125, 0, 0, 0], [0.5, 0.03125, 0, 0], [2, 0.125, 0, 0], [0.045, 0.72, 3.125, 0.245]],
    "polynomial 3": [[0.0625, 0, 0, 0], [-0.5, 0.0078125, 0, 0], [4, -0.0625, 0, 0], [-0.0135, 0.864, -7.8125, 0.1715]],
    "selective": [
        [1, 0, 0, 0],
        [0.1566699564, 0.8433300436, 0, 0],
        [0.9381724367, 0.0195049525, 0.0423226108, 0],
        [0.0522553145, 0.6623952082, 0.0012601337, 0.2840893436],
    ],
    "selective paper_code": [
        [1, 0, 0, 0],
        [0.2210077924, 0.7789922076, 0, 0],
        [0.8253646100, 0.0656770931, 0.1089582969, 0],
        [0.1182497059, 0.5425747898, 0.0126580287, 0.3265174757],
    ],
}
COUNT = torch.arange(1, 5)
GOLDEN_OPTIONS: dict[str, dict[str, Any]] = {
    "polynomial 2": {"power": 2, "coefficient": 0.5},
    "polynomial 3": {"power": 3, "n_ctx": 4},
    "selective": {"temperature_q": position_temperature(COUNT, torch.tensor(0.0))[None, None].double()},
    "selective paper_code": {"temperature_q": paper_code_temperature(COUNT, torch.tensor(1.5))[None, None].double()},
}


def cases_of(variant: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The cases that a row of the table brings."""
    return {f"{variant} {words}".strip(): (variant, {**given}) for words, given in VARIANTS[variant].cases.items()}


# The laws below run over all of them.
CASES = {case: row for variant in VARIANTS for case, row in cases_of(variant).items()}
CASES["polynomial learned"] = ("polynomial", {"power": 3, "coefficient": torch.tensor([0.3, 0.5, 0.2, 0.4]).double()})
every_case = pytest.mark.parametrize("case", CASES)


def tensors(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = (torch.randn(*shape, dtype=dtype) for _ in range(3))
    return q, k, v


def run(case: str, q: Tensor, k: Tensor, v: Tensor, **more: Any) -> Attention:
    name, options = CASES[case]
    if name == "selective" and "temperature_q" not in more:
        n = torch.arange(1, k.shape[2] + 1, dtype=torch.float64)
        options = {
            "temperature_q": (1 + 0.5 * n.log())[None, None, -q.shape[2] :].to(q.dtype),
            "temperature_v": (1 + 0.2 * n.log())[None, None].to(q.dtype),
        }
    return attend(name, q, k, v, **{**options, **more})


def pattern_of(case: str, scores: Tensor, **more: Any) -> Float[Tensor, "batch head query key"]:
    """The weights of given scores: queries are the rows, keys the unit vectors."""
    name, options = CASES[case]
    eye = torch.eye(scores.shape[-1], dtype=scores.dtype)[None, None]
    pattern = attend(name, scores[None, None], eye, eye, scale=1.0, **{**options, **more}).pattern
    assert pattern is not None
    return pattern


def test_the_table_and_the_cases_name_the_same_variants() -> None:
    assert {name for name, _ in CASES.values()} == set(VARIANTS)


@pytest.mark.parametrize("golden", GOLDEN)
def test_golden_vectors(golden: str) -> None:
    scores = torch.tensor(SCORES, dtype=torch.float64)
    eye = torch.eye(4, dtype=torch.float64)[None, None]
    got = attend(golden.split()[0], scores[None, None], eye, eye, scale=1.0, **GOLDEN_OPTIONS.get(golden, {})).pattern
    # The temperatures are kept in float32, which is what bounds the selective rows.
    bound = 1e-7 if golden.startswith("selective") else 1e-9
    torch.testing.assert_close(got, torch.tensor(GOLDEN[golden], dtype=torch.float64)[None, None], atol=bound, rtol=0)


@every_case
def test_the_output_is_the_pattern_times_the_values(case: str) -> None:
    q, k, v = tensors(2, 4, 7, 8)
    temperature = torch.rand(1, 1, 7, dtype=torch.float64) + 0.5
    selective = CASES[case][0] == "selective"
    more = {"temperature_q": temperature, "temperature_v": temperature} if selective else {}
    got = run(case, q, k, v, **more)
    mixed = v * temperature[..., None] if selective else v
    torch.testing.assert_close(got.output, got.pattern @ mixed)


@every_case
def test_the_future_is_invisible(case: str) -> None:
    q, k, v = tensors(2, 4, 9, 8)
    changed = [x.clone() for x in (q, k, v)]
    for x in changed:
        x[:, :, 6:] = torch.randn_like(x[:, :, 6:])
    torch.testing.assert_close(
        run(case, *changed).output[:, :, :6], run(case, q, k, v).output[:, :, :6], rtol=0, atol=0
    )


@every_case
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_invisible(case: str, side: str) -> None:
    q, k, v = tensors(1, 4, 6, 8)
    junk = [1e3 * torch.randn(1, 4, 3, 8, dtype=torch.float64) for _ in range(3)]
    padded = [torch.cat([j, x] if side == "left" else [x, j], 2) for x, j in zip((q, k, v), junk, strict=True)]
    real = slice(3, 9) if side == "left" else slice(0, 6)
    mask = torch.zeros(9, dtype=torch.bool)
    mask[real] = True
    more: dict[str, Any] = {}
    if CASES[case][0] == "selective":
        tau = (1 + 0.5 * torch.arange(1, 7, dtype=torch.float64).log())[None, None]
        more = {"temperature_q": tau, "temperature_v": tau}
    plain = run(case, q, k, v, **more).output
    if more:
        ones = torch.ones(1, 1, 3, dtype=torch.float64)
        padded_tau = torch.cat([ones, tau] if side == "left" else [tau, ones], -1)
        more = {"temperature_q": padded_tau, "temperature_v": padded_tau}
    torch.testing.assert_close(run(case, *padded, mask=mask, **more).output[:, :, real], plain)


@every_case
def test_the_last_queries_alone_give_the_rows_of_the_full_call(case: str) -> None:
    q, k, v = tensors(2, 4, 9, 8)
    torch.testing.assert_close(run(case, q[:, :, -2:], k, v).output, run(case, q, k, v).output[:, :, -2:])


@every_case
def test_grouped_keys_equal_repeated_keys(case: str) -> None:
    q, (k, v) = torch.randn(2, 4, 7, 8).double(), torch.randn(2, 2, 2, 7, 8).double()
    repeated = run(case, q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    torch.testing.assert_close(run(case, q, k, v).output, repeated.output)


@every_case
def test_a_row_that_sees_nothing_is_zero_with_a_finite_gradient(case: str) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    got = run(case, q, k, v, mask=mask)
    got.output.square().sum().backward()
    assert got.output[:, :, 2].abs().max() == 0
    assert all(x.grad is not None and x.grad.isfinite().all() for x in (q, k, v))


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_a_row_that_sees_nothing_has_no_nan_on_the_way(case: str, need_pattern: bool) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    with pytest.warns(UserWarning, match="Anomaly Detection"), torch.autograd.detect_anomaly():
        run(case, q, k, v, mask=mask, causal=False, need_pattern=need_pattern).output.square().sum().backward()


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_a_hidden_key_is_as_if_it_were_not_there_however_low_the_scores(case: str, need_pattern: bool) -> None:
    q, (k, v) = torch.rand(1, 4, 3, 8).double() + 1, torch.rand(2, 1, 4, 6, 8).double() + 1
    mask = torch.tensor([True, False, True, True, False, True])
    more = {"temperature_q": torch.ones(1, 1, 3).double()} if CASES[case][0] == "selective" else {}
    more |= {"causal": False, "scale": -1e5, "need_pattern": need_pattern}
    alone = run(case, q, k[:, :, mask], v[:, :, mask], **more).output
    torch.testing.assert_close(run(case, q, k, v, mask=mask.expand(3, 6), **more).output, alone)


@every_case
def test_masked_weights_are_exactly_zero(case: str) -> None:
    mask = torch.rand(2, 1, 6, 6) > 0.4
    pattern = run(case, *tensors(2, 4, 6, 8), mask=mask, causal=False).pattern
    assert pattern is not None
    assert (pattern[~mask.expand_as(pattern)] == 0).all()


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_nan_in_is_nan_out(case: str, need_pattern: bool) -> None:
    q, k, v = tensors(1, 4, 5, 8, dtype=torch.float32)
    q[0, 0, 3, 0] = torch.nan
    output = run(case, q, k, v, need_pattern=need_pattern).output
    assert output[0, 0, 3].isnan().all() and not output[0, 0, :3].isnan().any()


@every_case
def test_permuting_the_keys_changes_nothing(case: str) -> None:
    if CASES[case][0] == "selective":
        pytest.skip("its values are scaled by position; permuted values with their temperatures are tested below")
    q, k, v = tensors(1, 4, 6, 8)
    order = torch.randperm(6)
    torch.testing.assert_close(
        run(case, q, k[:, :, order], v[:, :, order], causal=False).output, run(case, q, k, v, causal=False).output
    )


def test_permuting_keys_with_their_value_temperatures_changes_nothing() -> None:
    q, k, v = tensors(1, 4, 6, 8)
    tau, order = torch.rand(1, 1, 6).double() + 0.5, torch.randperm(6)
    moved = attend("selective", q, k[:, :, order], v[:, :, order], causal=False, temperature_v=tau[..., order])
    torch.testing.assert_close(moved.output, attend("selective", q, k, v, causal=False, temperature_v=tau).output)


@every_case
def test_output_is_linear_in_the_values(case: str) -> None:
    q, k, v = tensors(1, 4, 6, 8)
    w = torch.randn_like(v)
    together = run(case, q, k, 2 * v - 3 * w).output
    torch.testing.assert_close(together, 2 * run(case, q, k, v).output - 3 * run(case, q, k, w).output)


@every_case
def test_a_kernel_obeys_its_parity(case: str) -> None:
    name, options = CASES[case]
    parity = VARIANTS[name].parity(options)
    q, k, v = tensors(1, 4, 6, 8)
    flipped = run(case, -q, k, -v if parity == "odd" else v).output
    same = torch.allclose(flipped, run(case, q, k, v).output, atol=1e-12)
    assert same == (parity is not None)


@every_case
def test_a_homogeneous_kernel_has_its_degree(case: str) -> None:
    name, options = CASES[case]
    scores, degree = torch.randn(6, 6).double(), VARIANTS[name].degree(options)
    more = {"coefficient": 0.25} if case == "polynomial learned" else {}
    once, larger = (pattern_of(case, size * scores, **more) for size in (1, 2))
    assert torch.allclose(larger, once * 2.0 ** (degree or 0), atol=1e-12) == (degree is not None)


@every_case
def test_only_softmax_kernels_ignore_a_translation_of_the_keys(case: str) -> None:
    q, k, v = tensors(1, 4, 6, 8)
    moved = run(case, q, k + torch.randn(8).double(), v).output
    same = torch.allclose(moved, run(case, q, k, v).output, atol=1e-10)
    assert same == VARIANTS[CASES[case][0]].invariant_to_key_translation


@every_case
def test_rows_keep_the_law_of_their_variant(case: str) -> None:
    row = VARIANTS[CASES[case][0]]
    pattern = run(case, *tensors(2, 4, 9, 8)).pattern
    assert pattern is not None
    sums = torch.allclose(pattern.sum(-1), torch.ones(2, 4, 9).double())
    assert sums == row.rows_sum_to_one
    assert bool((pattern >= 0).all()) == (row.non_negative or row.parity(CASES[case][1]) == "even")


def test_cog_weights_sum_to_one_in_magnitude_and_carry_the_sign_of_the_score() -> None:
    got = run("cog", *tensors(2, 4, 9, 8))
    assert got.pattern is not None and got.scores is not None
    torch.testing.assert_close(got.pattern.abs().sum(-1), torch.ones(2, 4, 9).double())
    assert torch.equal(got.pattern.sign(), got.scores.sign().tril())


def test_cog_is_softmax_bit_for_bit_where_all_scores_are_positive() -> None:
    scores = torch.rand(6, 6)
    assert torch.equal(pattern_of("cog", scores), pattern_of("softmax", scores))


def test_tiny_equal_expressive_scores_give_a_uniform_row() -> None:
    pattern = pattern_of("expressive", torch.full((5, 5), 1e-30), causal=False)
    torch.testing.assert_close(pattern, torch.full((1, 1, 5, 5), 0.2))


@every_case
@settings(max_examples=25, deadline=None)
@given(exponent=st.floats(-30, 4), seed=st.integers(0, 9))
def test_weights_are_finite_for_any_gain(case: str, exponent: float, seed: int) -> None:
    gen = torch.Generator().manual_seed(seed)
    scores = torch.randn(6, 6, generator=gen) * 10.0**exponent
    more = {"coefficient": 0.25} if case == "polynomial learned" else {}
    assert pattern_of(case, scores, **more).isfinite().all()


@every_case
@pytest.mark.parametrize("visibility", ["causal", "mask", "both"])
def test_the_fused_path_equals_the_plain_one_in_value_and_gradient(
    case: str, visibility: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiled_module, "STRIP_ROWS", 4)
    monkeypatch.setattr(tiled_module, "TILE_ELEMENTS", 130)
    q, (k, v) = torch.randn(2, 4, 9, 8).double(), torch.randn(2, 2, 2, 11, 8).double()
    mask = torch.rand(2, 1, 9, 11) > 0.3
    mask[0, :, 5] = False
    leaves = [x.requires_grad_() for x in (q, k, v)]
    more = {"mask": None if visibility == "causal" else mask, "causal": visibility != "mask"}
    plain, fused = run(case, *leaves, **more), run(case, *leaves, **more, need_pattern=False)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(fused.output, plain.output)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction), torch.autograd.grad(plain.output, leaves, direction)
    )


@every_case
@pytest.mark.parametrize("scale", [-0.7, 0.0, 3.0])
@pytest.mark.parametrize("visibility", ["causal", "mask", "none"])
def test_the_fused_path_equals_the_plain_one_at_any_scale(case: str, scale: float, visibility: str) -> None:
    leaves = [x.requires_grad_() for x in tensors(1, 4, 6, 8)]
    mask = torch.ones(6, 6, dtype=torch.bool).tril() if visibility == "mask" else None
    more = {"scale": scale, "mask": mask, "causal": visibility == "causal"}
    plain, fused = run(case, *leaves, **more), run(case, *leaves, **more, need_pattern=False)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(fused.output, plain.output)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction), torch.autograd.grad(plain.output, leaves, direction)
    )


@pytest.mark.parametrize("need_pattern", [True, False])
def test_each_group_of_heads_has_the_temperature_of_its_own_key_head(need_pattern: bool) -> None:
    q, (k, v) = torch.randn(2, 6, 5, 8).double(), torch.randn(2, 2, 3, 5, 8).double()
    tau_q, tau_v = torch.rand(2, 2, 3, 5).double() + 0.5
    more = {"need_pattern": need_pattern}
    together = attend("selective", q, k, v, temperature_q=tau_q, temperature_v=tau_v, **more).output
    for head in range(3):
        own, group = slice(head, head + 1), slice(2 * head, 2 * head + 2)
        taus = {"temperature_q": tau_q[:, own], "temperature_v": tau_v[:, own]}
        alone = attend("selective", q[:, group], k[:, own], v[:, own], **taus, **more).output
        torch.testing.assert_close(together[:, group], alone)


def test_a_learned_coefficient_has_its_gradient_without_a_pattern_too() -> None:
    coefficient = torch.rand(4, requires_grad=True)
    q, k, v = tensors(1, 4, 5, 8, dtype=torch.float32)
    outputs = [
        attend("polynomial", q, k, v, coefficient=coefficient, need_pattern=need).output for need in (True, False)
    ]
    plain, fused = (torch.autograd.grad(output.sum(), coefficient)[0] for output in outputs)
    torch.testing.assert_close(fused, plain)
    assert plain.abs().min() > 0


@every_case
def test_the_closed_form_gradient_is_the_numerical_one(case: str) -> None:
    name, options = CASES[case]
    scores = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    scores = (scores.sign() * (scores.abs() + 0.1)).requires_grad_()  # away from the jump of cog at 0
    visible = torch.ones(5, 5, dtype=torch.bool).tril()[None, None]
    q = v = torch.zeros(1, 4, 5, 2, dtype=torch.float64)
    kernel = VARIANTS[name].prepare(q, v, **options).kernel
    assert torch.autograd.gradcheck(lambda s: VARIANTS[name].weigh(s, visible, **kernel), (scores,))
    pattern = VARIANTS[name].weigh(scores, visible, **kernel)
    direction = torch.randn_like(pattern)
    closed = VARIANTS[name].pullback(scores, visible, pattern, direction, **kernel)
    torch.testing.assert_close(closed, torch.autograd.grad(pattern, scores, direction)[0])


@every_case
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_errs_no_more_than_a_half_softmax(case: str, dtype: torch.dtype) -> None:
    def error(of: str) -> float:
        more = {"coefficient": 0.05} if of == "polynomial learned" else {}
        exact = run(of, *(x.double() for x in inputs), **more).output
        half = run(of, *(x.to(dtype) for x in inputs), **more).output.double()
        return float((half - exact).norm() / exact.norm())

    inputs = [x.to(dtype).double() for x in tensors(1, 4, 64, 16)]
    assert error(case) <= 2 * error("softmax") + 1e-5


@every_case
def test_patterns_are_float32_at_least_and_outputs_keep_the_dtype(case: str) -> None:
    half = run(case, *tensors(1, 4, 3, 8, dtype=torch.bfloat16))
    double = run(case, *tensors(1, 4, 3, 8))
    assert half.pattern is not None and double.pattern is not None
    assert (half.output.dtype, half.pattern.dtype) == (torch.bfloat16, torch.float32)
    assert (double.output.dtype, double.pattern.dtype) == (torch.float64, torch.float64)


def test_the_default_scale_is_the_variants_own() -> None:
    q, k, v = tensors(1, 2, 4, 16)
    torch.testing.assert_close(attend("softmax", q, k, v).output, attend("softmax", q, k, v, scale=0.25).output)
    torch.testing.assert_close(attend("expressive", q, k, v).output, attend("expressive", q, k, v, scale=1.0).output)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "rank": ({"q": torch.zeros(2, 3, 4)}, r"q, k and v are \[batch, head, position, d_head\]; got q \(2, 3, 4\)"),
    "d_head": ({"q": torch.zeros(1, 2, 3, 5)}, "q and k share batch and d_head"),
    "groups": ({"q": torch.zeros(1, 3, 3, 4)}, "query heads are a multiple of key heads; got 3 and 2"),
    "mask shape": ({"mask": torch.ones(4, 4, dtype=torch.bool)}, r"mask broadcasts to .* got \(4, 4\)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_in_a_sentence(what: str) -> None:
    changed, sentence = REFUSED[what]
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match=sentence):
        check_shapes(**{"q": x, "k": x, "v": x, "mask": None, **changed})


@every_case
@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_scale_that_is_no_finite_number_is_refused(case: str, scale: float) -> None:
    x = torch.zeros(1, 4, 3, 4)
    with pytest.raises(ValueError, match=f"{CASES[case][0]}: scale is a finite number, got "):
        inspect.unwrap(attend)(CASES[case][0], x, x, x, scale=scale)


@pytest.mark.parametrize("name, option", [("selective", "temperature_q"), ("polynomial", "coefficient")])
def test_an_option_with_entries_that_are_no_finite_numbers_is_refused(name: str, option: str) -> None:
    x, value = torch.zeros(1, 4, 3, 4), torch.ones(1, 1, 3)
    value[0, 0, 1] = torch.nan
    with pytest.raises(ValueError, match=f"{name}: {option} holds finite numbers alone; 1 of its 3 entries are not"):
        attend(name, x, x, x, **{option: value})


def test_more_queries_than_keys_are_refused_under_the_causal_rule() -> None:
    q, x = torch.zeros(1, 2, 5, 4), torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="causal queries are the last of the keys; got 5 queries and 3 keys"):
        attend("softmax", q, x, x)


def test_an_unknown_variant_is_refused_with_the_known_ones() -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(
        ValueError, match="unknown attention 'sofmax'; known: softmax, cog, expressive, selective, poly"
    ):
        attend("sofmax", x, x, x)


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="polynomial: unknown option 'degree'; known: power, coefficient, n_ctx"):
        attend("polynomial", x, x, x, degree=3)


POLYNOMIAL_REFUSED = {
    "polynomial: give coefficient": {},
    "power is a whole number from 1, got 0": {"power": 0, "n_ctx": 4},
    "'per_row', got 'per_column'": {"coefficient": "per_column"},
    "'per_row', got nan": {"coefficient": float("nan")},
    "'per_row', got 1000": {"coefficient": 10**400},
    "n_ctx is a whole number from 1, got 1000": {"n_ctx": 10**400},
    "n_ctx is a whole number from 1, got 0": {"n_ctx": 0},
    r"coefficient broadcasts to .* got \(3, 1, 1\)": {"coefficient": torch.ones(3)},
    r"coefficient broadcasts to .* got \(5, 1, 1, 1\)": {"coefficient": torch.ones(5, 1, 1, 1)},
}


@pytest.mark.parametrize("sentence", POLYNOMIAL_REFUSED)
def test_polynomial_refuses_what_it_cannot_compute(sentence: str) -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match=sentence):
        attend("polynomial", x, x, x, **POLYNOMIAL_REFUSED[sentence])


@pytest.mark.parametrize("shape", [(1, 3, 3), (7, 1, 3), (1, 1, 2), (3,), (1, 0, 3)])
@pytest.mark.parametrize("name", ["temperature_q", "temperature_v"])
def test_a_temperature_that_does_not_fit_is_refused(name: str, shape: tuple[int, ...]) -> None:
    x = torch.zeros(1, 4, 3, 4)
    with pytest.raises(ValueError, match=f"{name} is .batch or 1, head or 1, position. = .*; got "):
        attend("selective", x, x, x, **{name: torch.ones(shape)})


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_autocast_does_not_lower_the_precision(case: str, need_pattern: bool) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 6, 8, dtype=torch.float32))
    exact = run(case, q, k, v, need_pattern=need_pattern)
    with torch.autocast("cpu", torch.bfloat16):
        cast = run(case, q, k, v, need_pattern=need_pattern)
    assert torch.equal(cast.output, exact.output)
    assert cast.scores is None or cast.scores.dtype == torch.float32
    gradients = [torch.autograd.grad(one.output.sum(), (q, k, v)) for one in (cast, exact)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("case", ["cog", "expressive", "polynomial 3"])
def test_a_second_derivative_of_the_fused_path_is_refused_not_wrong(case: str) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    (first,) = torch.autograd.grad(run(case, q, k, v).output.sum(), q, create_graph=True)
    assert torch.autograd.grad(first.sum(), q)[0].abs().sum() > 0
    with pytest.raises(RuntimeError, match="first derivatives only; ask with need_pattern=True"):
        torch.autograd.grad(run(case, q, k, v, need_pattern=False).output.sum(), q, create_graph=True)


def test_expressive_gradients_survive_large_scores_in_float32() -> None:
    scores, direction = torch.randn(2, 1, 1, 8, 8).unbind()
    visible = torch.ones(8, 8, dtype=torch.bool)[None, None]
    gradients = []
    for dtype in (torch.float32, torch.float64):
        large = (scores * 1e4).to(dtype).requires_grad_()
        pattern = VARIANTS["expressive"].weigh(large, visible)
        gradients.append(torch.autograd.grad(pattern, large, direction.to(dtype))[0].double())
    assert (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm()


def test_a_coefficient_per_row_is_one_over_the_root_of_its_visible_keys() -> None:
    pattern = pattern_of("polynomial per row", torch.full((4, 4), 2.0).double())
    rows = torch.tensor([8.0, 8 / 2**0.5, 8 / 3**0.5, 4.0]).double()
    torch.testing.assert_close(pattern[0, 0], rows[:, None].expand(4, 4).tril())


def test_polynomial_ignores_a_scale_moved_from_queries_to_values() -> None:
    q, k, v = tensors(1, 4, 6, 8)
    moved = run("polynomial 3", 2 * q, k, v / 2**3).output
    torch.testing.assert_close(moved, run("polynomial 3", q, k, v).output)


@every_case
def test_a_change_of_basis_between_queries_and_keys_changes_nothing(case: str) -> None:
    q, k, v = tensors(1, 4, 6, 8)
    G = torch.randn(8, 8).double()
    torch.testing.assert_close(run(case, q @ G, k @ G.inverse().mT, v).output, run(case, q, k, v).output)
