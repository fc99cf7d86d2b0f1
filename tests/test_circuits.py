"""Circuits from weights: fast paths against plain products, known heads, invariances, null and figures."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from transformer_lens import FactoredMatrix
from transformer_lens.utilities.matrix import composition_scores as lens_scores

from headscope.interp.circuits import (
    composition_scores,
    copying_score,
    diagonal_ranks,
    full_ov,
    full_qk,
    ov_top_tokens,
    qk_spectrum,
    qk_top_tokens,
    score_weights,
    unit_rms,
)
from headscope.interp.circuits.composition import pair_scores, unit_factor, unit_purity
from headscope.interp.circuits.distance import half_rotation
from headscope.interp.circuits.eigenvalues import product_eigenvalues
from headscope.interp.circuits.qk_spectrum import DRAWS, spectrum_statistics
from headscope.interp.circuits.rows import ROWS
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights

LAYERS, HEADS, D_MODEL, D_HEAD, VOCAB = 3, 2, 12, 4, 20
NULL_ENDS = ("_null", "_null_spread")
Flip = Callable[[HeadWeights], HeadWeights]
COMPUTED: dict[str, Callable[..., Result]] = {
    "copying": copying_score,
    "diagonal": diagonal_ranks,
    "composition": composition_scores,
    "spectrum": qk_spectrum,
}


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def random_heads(d_head: int = D_HEAD, vocab: int = VOCAB) -> HeadWeights:
    reads = {f"W_{name}": drawn(LAYERS, HEADS, D_MODEL, d_head) for name in "QKV"}
    biases = {f"b_{name}": drawn(LAYERS, HEADS, d_head) for name in "QKV"}
    written = {"W_O": drawn(LAYERS, HEADS, d_head, D_MODEL), "W_U": drawn(D_MODEL, vocab)}
    return HeadWeights(**reads, **biases, **written, W_E=drawn(vocab, D_MODEL), b_U=drawn(vocab))


@pytest.fixture
def weights() -> HeadWeights:
    return random_heads()


def with_heads(weights: HeadWeights, **one_head: Tensor) -> HeadWeights:
    """The same matrices in every head."""
    return replace(weights, **{name: W.expand(LAYERS, HEADS, *W.shape).double() for name, W in one_head.items()})


def in_units(d_head: int) -> HeadWeights:
    """A vocabulary of one token per direction of the residual stream."""
    unit = torch.eye(D_MODEL).double()
    return replace(random_heads(d_head, D_MODEL), W_E=unit, W_U=unit)


def whole(circuit: FactoredMatrix) -> Tensor:
    return circuit.A @ circuit.B


def odd_flip(weights: HeadWeights) -> HeadWeights:
    return replace(weights, W_Q=-weights.W_Q, b_Q=-weights.b_Q, W_V=-weights.W_V, b_V=-weights.b_V)


def even_flip(weights: HeadWeights) -> HeadWeights:
    return replace(weights, W_Q=-weights.W_Q, b_Q=-weights.b_Q)


def new_basis(weights: HeadWeights) -> HeadWeights:
    """(W_V G, G⁻¹ W_O) and (W_Q G, W_K G⁻ᵀ)."""
    G = torch.eye(D_HEAD, dtype=torch.float64) + 0.3 * torch.randn(D_HEAD, D_HEAD, dtype=torch.float64)
    inverse = torch.linalg.inv(G)
    return replace(
        weights, W_V=weights.W_V @ G, W_O=inverse @ weights.W_O, W_Q=weights.W_Q @ G, W_K=weights.W_K @ inverse.mT
    )


def assert_same(one: Result, other: Result, but: tuple[str, ...] = ()) -> None:
    """All fields but some; eigenvalues and nulls are compared elsewhere: a new basis draws its null anew."""
    for name, value in one.tensors().items():
        if name not in but and not value.is_complex() and "_null" not in name:
            assert_close(getattr(other, name), value, equal_nan=True, msg=lambda said, name=name: f"{name}: {said}")


def test_full_circuits_are_the_products_of_their_factors(weights: HeadWeights) -> None:
    W_QK = weights.W_Q[1, 0] @ weights.W_K[1, 0].T
    assert_close(whole(full_qk(weights, 1, 0)), weights.W_E @ W_QK @ weights.W_E.T)
    other = torch.randn(VOCAB, D_MODEL, dtype=torch.float64)
    centred = weights.W_U - weights.W_U.mean(1, keepdim=True)
    assert_close(whole(full_ov(weights, 2, 1, other)), other @ weights.W_V[2, 1] @ weights.W_O[2, 1] @ centred)


def test_a_full_circuit_is_never_as_large_as_the_vocabulary_squared(weights: HeadWeights) -> None:
    circuit = full_ov(weights, 0, 0)
    assert circuit.A.shape == (VOCAB, D_HEAD) and circuit.B.shape == (D_HEAD, VOCAB)


def test_eigenvalues_are_those_of_the_full_circuit(weights: HeadWeights) -> None:
    found = copying_score(weights)
    for layer, head in ((0, 0), (2, 1)):
        eigenvalues = torch.linalg.eigvals(whole(full_ov(weights, layer, head)))
        largest = eigenvalues.abs().sort(descending=True).values[:D_HEAD]
        assert_close(found.eigenvalues[layer, head].abs(), largest)
        lens = full_ov(weights, layer, head).eigenvalues
        assert_close(found.value[layer, head], lens.real.sum() / lens.abs().sum())
        assert_close(found.eigenvalues[layer, head].sum().real, eigenvalues.sum().real)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_head_that_copies_scores_one_and_one_that_suppresses_minus_one(weights: HeadWeights, sign: float) -> None:
    tied = replace(weights, W_U=weights.W_E.T)
    W = torch.randn(D_MODEL, D_HEAD, dtype=torch.float64)
    found = copying_score(with_heads(tied, W_V=W, W_O=sign * W.T))
    assert_close(found.value, torch.full_like(found.value, sign))
    assert_close(found.magnitude, torch.ones_like(found.value))


def test_a_head_that_turns_tokens_by_a_right_angle_copies_nothing() -> None:
    quarter_turns = torch.block_diag(*[torch.tensor([[0.0, 1.0], [-1.0, 0.0]])] * 2).double()
    thin = torch.eye(D_MODEL, D_HEAD).double()
    unit = torch.eye(D_MODEL).double()
    both_ways = {
        "W_E": torch.cat([unit, -unit]),
        "W_U": torch.cat([unit, -unit], 1) / 2,
        "b_U": torch.zeros(2 * D_MODEL),
    }
    centred = replace(in_units(D_HEAD), **both_ways)
    found = copying_score(with_heads(centred, W_V=thin @ quarter_turns, W_O=thin.T))
    assert_close(found.value, torch.zeros_like(found.value))
    assert_close(found.eigenvalues.abs(), torch.ones(LAYERS, HEADS, D_HEAD).double())


def test_a_random_head_lies_within_the_null_and_a_copying_head_outside() -> None:
    random = random_heads()
    W = random.W_V.clone()
    W[0, 0] = (random.W_U @ random.W_E).T @ random.W_O[0, 0].T  # W_E W_OV W_U is then a Gram matrix
    found = copying_score(replace(random, W_V=W))
    distance = (found.value - found.value_null).abs() / found.value_null_spread
    assert distance.flatten()[0] > 2.5 and (distance.flatten()[1:] < 2.5).all()


def test_the_diagonal_ranks_are_those_of_a_sort(weights: HeadWeights) -> None:
    found = diagonal_ranks(weights, tokens=None, k=3)
    circuit = whole(full_ov(weights, 1, 1))
    places = torch.stack([(line.argsort() == t).nonzero()[0, 0] for t, line in enumerate(circuit)])
    columns = torch.stack([(line.argsort() == t).nonzero()[0, 0] for t, line in enumerate(circuit.T)])
    assert_close(found.row_rank[1, 1], (2 * places / (VOCAB - 1) - 1).double().mean(), check_dtype=False)
    assert_close(found.column_rank[1, 1], (2 * columns / (VOCAB - 1) - 1).double().mean(), check_dtype=False)
    assert_close(found.top_share[1, 1], (places >= VOCAB - 3).double().mean())
    assert_close(found.bottom_share[1, 1], (places < 3).double().mean())


def test_a_head_that_only_copies_has_its_diagonal_on_top() -> None:
    unit = torch.eye(D_MODEL)
    found = diagonal_ranks(with_heads(in_units(D_MODEL), W_V=unit, W_O=unit), k=1)
    for field in (found.row_rank, found.column_rank, found.top_share, found.extreme_share):
        assert_close(field, torch.ones_like(field))
    assert_close(found.bottom_share, torch.zeros_like(found.bottom_share))


def test_a_head_that_writes_nothing_is_in_the_middle(weights: HeadWeights) -> None:
    found = diagonal_ranks(replace(weights, W_V=torch.zeros_like(weights.W_V)))
    assert_close(found.row_rank, torch.zeros_like(found.row_rank))
    assert_close(found.extreme_share, torch.zeros_like(found.extreme_share))


def test_ranks_of_a_sample_lie_within_their_errors_and_its_ends_are_exact() -> None:
    large = random_heads(vocab=700)
    copies = torch.linalg.pinv(large.W_E.mT @ large.W_U.mT) @ large.W_O[0, 0].T  # a head with tokens at the ends
    large = replace(large, W_V=torch.cat([copies.expand(1, HEADS, -1, -1), large.W_V[1:]]))
    found, exact = diagonal_ranks(large, tokens=128, others=64), diagonal_ranks(large, tokens=128, others=None)
    assert (exact.top_share > 0).any()
    for name in ("top_share", "bottom_share", "extreme_share"):
        assert_close(getattr(found, name), getattr(exact, name))
    whole = diagonal_ranks(large, tokens=None, others=None)
    for name in ("row_rank", "column_rank"):
        value, error = getattr(found, name), getattr(found, f"{name}_error")
        away = (value - getattr(whole, name)) / error
        assert away.abs().max() < 4 and away.square().mean() > 0.1
        assert not getattr(whole, f"{name}_error").any()


def test_ends_that_overlap_are_refused(weights: HeadWeights) -> None:
    with pytest.raises(ValueError, match="the top and bottom 11 of 20 tokens were asked for: give 1 to 10"):
        diagonal_ranks(weights, k=11)


def test_a_sample_of_no_tokens_is_refused(weights: HeadWeights) -> None:
    with pytest.raises(ValueError, match="0 tokens were asked for: give at least 1, or None for all 20"):
        diagonal_ranks(weights, tokens=0)


def test_composition_is_the_plain_product_and_that_of_transformer_lens(weights: HeadWeights) -> None:
    found = composition_scores(weights)
    W_OV, W_QK = weights.W_V @ weights.W_O, weights.W_Q @ weights.W_K.mT
    left = FactoredMatrix(weights.W_V, weights.W_O)
    W_QK_thin = FactoredMatrix(weights.W_Q, weights.W_K.mT)
    for at, (reader, thin) in enumerate(((W_QK, W_QK_thin), (W_QK.mT, W_QK_thin.T), (W_OV, left))):
        product = torch.linalg.norm(W_OV[0, 1] @ reader[2, 0]) / W_OV[0, 1].norm() / reader[2, 0].norm()
        assert_close(found.score[at, 0, 1, 2, 0], product)
        there = ~found.score[at].isnan()
        assert_close(found.score[at][there], lens_scores(left, thin)[there])


def test_composition_by_rows_of_its_grams_is_that_at_once(
    weights: HeadWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = composition_scores(weights).score
    monkeypatch.setattr("headscope.interp.circuits.composition.GRAM_ROWS", 3)
    assert_close(composition_scores(weights).score, whole, equal_nan=True)


def test_only_an_earlier_head_writes_for_a_later_one(weights: HeadWeights) -> None:
    score = composition_scores(weights).score
    for writer in range(LAYERS):
        for reader in range(LAYERS):
            assert bool(score[:, writer, :, reader].isnan().all()) == (writer >= reader)


def test_a_reader_of_all_that_is_written_scores_one() -> None:
    thin = torch.eye(D_MODEL, 1)
    one = with_heads(random_heads(1), W_Q=thin, W_K=thin.flip(0), W_V=thin.flip(0), W_O=thin.T)
    found = composition_scores(one)
    assert_close(found.score[:, 0, 0, 1, 0], torch.tensor([1.0, 0.0, 0.0]).double())


def test_the_null_of_composition_is_that_of_readers_turned_at_random() -> None:
    torch.manual_seed(0)
    d = 6
    left, right = torch.randn(d, 2, dtype=torch.float64), torch.randn(2, d, dtype=torch.float64)
    turns = torch.linalg.qr(torch.randn(20_000, d, d, dtype=torch.float64)).Q
    written, read = right.mT @ unit_factor(left, right), left @ unit_factor(right.mT, left.mT)
    squared = (written * (turns @ read @ turns.mT)).sum((-2, -1))
    assert_close(squared.mean(), torch.tensor(1 / d).double(), atol=2e-3, rtol=0)
    pure = written.square().sum()[None], read.square().sum()[None]
    spread = pair_scores((written * read).sum()[None, None], *pure, d)[1, 0, 0]
    assert_close(unit_purity(left, right), pure[0][0])
    assert_close(squared.std() * math.sqrt(d) / 2, spread, atol=0, rtol=0.03)


def test_the_spectrum_is_that_of_the_plain_matrix(weights: HeadWeights) -> None:
    found = qk_spectrum(weights)
    W_QK = (weights.W_Q @ weights.W_K.mT)[1, 1]
    sigma = torch.linalg.svdvals(W_QK)[:D_HEAD]
    share = sigma / sigma.sum()
    assert_close(found.singular_values[1, 1], sigma)
    assert_close(found.operator_norm[1, 1], torch.linalg.matrix_norm(W_QK, 2))
    assert_close(found.effective_rank[1, 1], (-(share * share.log()).sum()).exp())
    energy = sigma.square() / sigma.square().sum()
    assert_close(found.effective_rank_of_squares[1, 1], (-(energy * energy.log()).sum()).exp())
    symmetric = (W_QK + W_QK.T) / 2
    assert_close(found.symmetric_share[1, 1], symmetric.square().sum() / W_QK.square().sum())
    assert_close(found.antisymmetric_share[1, 1], (W_QK - symmetric).square().sum() / W_QK.square().sum())
    eigenvalues = torch.linalg.eigvals(W_QK)
    assert_close(found.eigenvalues[1, 1].abs(), eigenvalues.abs().sort(descending=True).values[:D_HEAD])
    assert_close(found.eigenvalue_balance[1, 1], eigenvalues.real.sum() / eigenvalues.abs().sum())


def test_an_embedding_gives_the_spectrum_of_the_full_circuit(weights: HeadWeights) -> None:
    found = qk_spectrum(weights, weights.W_E)
    circuit = whole(full_qk(weights, 2, 0))
    assert_close(found.singular_values[2, 0], torch.linalg.svdvals(circuit)[:D_HEAD])
    assert_close(found.symmetric_share[2, 0], (circuit + circuit.T).square().sum() / 4 / circuit.square().sum())
    assert_close(found.eigenvalues[2, 0].sum().real, circuit.trace())


def test_the_null_of_a_spectrum_is_that_of_random_heads_of_its_norm(weights: HeadWeights) -> None:
    found, norm = qk_spectrum(weights), (weights.W_Q[1, 1] @ weights.W_K[1, 1].T).norm()
    W_Q, W_K = drawn(300, D_MODEL, D_HEAD), drawn(300, D_MODEL, D_HEAD)
    W_Q = W_Q * (norm / torch.linalg.matrix_norm(W_Q @ W_K.mT))[:, None, None]
    sigma = torch.linalg.svdvals(W_Q @ W_K.mT)[:, :D_HEAD]
    plain = spectrum_statistics(W_Q, W_K, sigma, product_eigenvalues(W_Q, W_K.mT))
    names = list(found.tensors())[: len(plain)]
    null, spread = (torch.stack([getattr(found, name + end)[1, 1] for name in names]) for end in NULL_ENDS)
    assert ((null - plain.mean(-1)).abs() < 4 * plain.std(-1) / DRAWS**0.5).all()
    assert_close(spread, plain.std(-1), rtol=0.5, atol=0)


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.parametrize("flip", [odd_flip, even_flip])
def test_a_flip_changes_only_what_is_said_to_depend_on_the_gauge(name: str, flip: Flip, weights: HeadWeights) -> None:
    analysis = COMPUTED[name]
    before, after = analysis(weights), analysis(flip(weights))
    assert_same(before, after, but=before.about.gauge_dependent)


def test_the_flip_of_an_odd_kernel_changes_the_signs(weights: HeadWeights) -> None:
    flipped = odd_flip(weights)
    assert_close(copying_score(flipped).value, -copying_score(weights).value)
    before, after = diagonal_ranks(weights), diagonal_ranks(flipped)
    assert_close(after.row_rank, -before.row_rank)
    assert_close(after.top_share, before.bottom_share)
    assert_close(qk_spectrum(flipped).eigenvalue_balance, -qk_spectrum(weights).eigenvalue_balance)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_new_basis_inside_the_heads_changes_nothing(name: str, weights: HeadWeights) -> None:
    assert_same(COMPUTED[name](weights), COMPUTED[name](new_basis(weights)))


def test_top_tokens_are_the_ends_of_the_row_beside_the_other_rows(weights: HeadWeights) -> None:
    circuit = full_ov(weights, 0, 1)
    top = ov_top_tokens(circuit, 7, 3, "<{}>".format)
    row = whole(circuit)[7].sort(descending=True)
    assert top.highest_ids.tolist() == row.indices[:3].tolist()
    assert top.lowest_ids.tolist() == row.indices.flip(0)[:3].tolist()
    assert top.labels["highest"][0] == f"<{row.indices[0]}>" and top.token_string == "<7>"
    others = whole(circuit)[[i for i in range(VOCAB) if i != 7]][:, row.indices[0]]
    assert_close(
        torch.stack([top.highest_null[0], top.highest_null_spread[0]]),
        torch.stack([others.mean(), others.std(correction=0)]),
    )


def test_a_flip_swaps_the_ends(weights: HeadWeights) -> None:
    before, after = (qk_top_tokens(full_qk(one, 2, 0), 4) for one in (weights, even_flip(weights)))
    assert after.lowest_ids.tolist() == before.highest_ids.tolist()
    assert_close(after.lowest, -before.highest)


@pytest.mark.parametrize(("token", "k", "said"), [(20, 3, "ids run from 0 to 19"), (0, 21, "give 1 to 20")])
def test_tokens_that_are_not_there_are_refused(token: int, k: int, said: str, weights: HeadWeights) -> None:
    with pytest.raises(ValueError, match=said):
        ov_top_tokens(full_ov(weights, 0, 0), token, k)


def test_score_weights_fold_gains_and_rotation_once(weights: HeadWeights) -> None:
    q_norm, k_norm = torch.randn(2, LAYERS, D_HEAD).double()
    angle = torch.tensor([0.7, 0.1, 0.7, 0.1]).double()
    turn = half_rotation(angle.cos(), angle.sin(), D_HEAD).expand(LAYERS, -1, -1)
    scored = score_weights(replace(weights, q_norm=q_norm, k_norm=k_norm), turn)
    plain = (weights.W_Q[2, 1] * q_norm[2]) @ turn[2] @ (weights.W_K[2, 1] * k_norm[2]).T
    assert_close((scored.W_Q @ scored.W_K.mT)[2, 1], plain)
    assert_close(score_weights(scored).W_Q, scored.W_Q)


def test_a_rotation_keeps_lengths_and_leaves_the_rest_of_the_head() -> None:
    angle = torch.tensor([0.3, 1.2]).double().repeat(2)
    turn = half_rotation(angle.cos(), angle.sin(), 6)
    assert_close(turn @ turn.T, torch.eye(6).double())
    assert_close(turn[4:, 4:], torch.eye(2).double())
    assert_close(torch.eye(6).double()[0] @ turn, torch.tensor([math.cos(0.3), 0, math.sin(0.3), 0, 0, 0]).double())


def test_rows_of_unit_rms(weights: HeadWeights) -> None:
    centred = unit_rms(weights.W_E, centred=True)
    assert_close(centred, torch.nn.functional.layer_norm(weights.W_E, (D_MODEL,), eps=0))
    with_padding = weights.W_E.index_fill(0, torch.tensor([3]), 0)
    expected = torch.ones(VOCAB).double().index_fill(0, torch.tensor([3]), 0)
    assert_close(unit_rms(with_padding).square().mean(-1), expected)


@pytest.mark.parametrize("name", [*COMPUTED, "top tokens"])
def test_every_result_tabulates_stores_and_shows_itself(name: str, weights: HeadWeights) -> None:
    single = replace(weights, **{k: v.float() for k, v in vars(weights).items() if isinstance(v, Tensor)})
    result = ov_top_tokens(full_ov(single, 0, 0), 3) if name == "top tokens" else COMPUTED[name](single)
    json.dumps(result.to_json(), allow_nan=False)
    assert len(result.to_frame()) and result.figure().data


def test_figures_carry_the_numbers(weights: HeadWeights) -> None:
    from headscope.interp.figures.circuits import diagonal_figure, eigenvalue_figure

    copying, composition = copying_score(weights), composition_scores(weights)
    spectrum = qk_spectrum(weights)
    traces: dict[str, Any] = {type(one).__name__: one.figure().data for one in (copying, composition, spectrum)}
    assert traces["Copying"][0].z[2, 1] == pytest.approx(float(copying.value[2, 1]))
    assert "gauge-dependent" in copying.figure().layout.title.text
    points: Any = eigenvalue_figure(copying, 1, 0).data[0]
    assert points.x.sum() == pytest.approx(float(copying.eigenvalues[1, 0].real.sum()))
    assert "gauge-dependent" not in diagonal_figure(diagonal_ranks(weights), "extreme_share").layout.title.text
    heatmap = traces["Composition"][2]  # read as value
    assert heatmap.z[1, 4] == pytest.approx(float(composition.excess[2, 0, 1, 2, 0]))
    assert (heatmap.y[1], heatmap.x[4]) == ("L0H1", "L2H0")
    assert traces["QKSpectrum"][5].y[0] == pytest.approx(float(spectrum.operator_norm[2, 1]))


def test_token_text_is_escaped(weights: HeadWeights) -> None:
    figure: Any = ov_top_tokens(full_ov(weights, 0, 0), 0, 2, lambda i: f"<s>{i}").figure()
    assert all("<s>" not in text for text in (*figure.layout.yaxis.ticktext, figure.data[0].hovertemplate))
    assert figure.data[0].x[0] > figure.data[0].x[1] >= figure.data[0].x[2] > figure.data[0].x[3]


def test_the_rows_need_no_prompt() -> None:
    assert {row.name for row in ROWS} == {"copying", "diagonal_ranks", "composition", "qk_spectrum"}
    assert all(row.needs == () for row in ROWS)
