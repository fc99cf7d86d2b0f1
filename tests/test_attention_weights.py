"""The weights of attention, over the table of variants: golden vectors, laws of rows, kernels and their symmetries."""

from typing import Any

import pytest
import torch
from attention_cases import CASES, every_case, pattern_of, run, tensors

from headscope.models.attention import VARIANTS, attend
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
COUNT, ORDERED = torch.arange(1, 5), ("stick_breaking",)  # whose nearest key takes first
GOLDEN_OPTIONS: dict[str, dict[str, Any]] = {
    "polynomial 2": {"power": 2, "coefficient": 0.5},
    "polynomial 3": {"power": 3, "n_ctx": 4},
    "selective": {"temperature_q": position_temperature(COUNT, torch.tensor(0.0))[None, None].double()},
    "selective paper_code": {"temperature_q": paper_code_temperature(COUNT, torch.tensor(1.5))[None, None].double()},
}


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
def test_grouped_keys_equal_repeated_keys(case: str) -> None:
    q, (k, v) = torch.randn(2, 4, 7, 8).double(), torch.randn(2, 2, 2, 7, 8).double()
    repeated = run(case, q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    torch.testing.assert_close(run(case, q, k, v).output, repeated.output)


@every_case
def test_permuting_the_keys_changes_nothing(case: str) -> None:
    if CASES[case][0] == "selective":
        pytest.skip("its values are scaled by position; permuted values with their temperatures are tested below")
    if VARIANTS[CASES[case][0]].reads_order:
        pytest.skip("it weighs keys by their order")
    q, k, v = tensors(1, 4, 6, 8)
    order = torch.randperm(6)
    permuted = run(case, q, k[:, :, order], v[:, :, order], causal=False).output
    assert torch.allclose(permuted, run(case, q, k, v, causal=False).output) == (CASES[case][0] not in ORDERED)


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
    once, larger = (pattern_of(case, size * scores) for size in (1, 2))
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
    torch.testing.assert_close(pattern, torch.full((1, 4, 5, 5), 0.2))


def test_the_default_scale_is_the_variants_own() -> None:
    q, k, v = tensors(1, 2, 4, 16)
    torch.testing.assert_close(attend("softmax", q, k, v).output, attend("softmax", q, k, v, scale=0.25).output)
    torch.testing.assert_close(attend("expressive", q, k, v).output, attend("expressive", q, k, v, scale=1.0).output)


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
