"""The tokens of one prompt: matrices, heads and patterns by hand, whose entropy, dimension and sinks are known."""

import math
from typing import Any

import pytest
import torch
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Analysis, Setting
from headscope.interp.asking.analyse import analyse
from headscope.interp.collapse.tokens.compression import compression
from headscope.interp.collapse.tokens.dispersion import dispersion
from headscope.interp.collapse.tokens.dispersion_curves import dispersion_curves
from headscope.interp.collapse.tokens.head_dimension import head_dimension
from headscope.interp.collapse.tokens.rows import ROWS
from headscope.interp.collapse.tokens.sink_direction import sink_direction
from headscope.interp.collapse.tokens.sink_tokens import SinkTokens, sink_tokens
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.table import VARIANTS

IDS = (5, 17, 9, 5, 88, 17)


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_one_long_token_takes_the_entropy_and_no_more_than_its_length_says() -> None:
    found = compression(torch.diag(torch.tensor([3.0, 1, 1]))[None])
    shares = [9 / 11, 1 / 11, 1 / 11]
    entropy = -sum(p * math.log(p) for p in shares) / math.log(3)
    assert_close(found.entropy, double(entropy))
    assert_close(found.bound, double(entropy))  # the other directions are equal, as the bound supposes
    assert_close(found.others_entropy, double(1))
    for name, value in {"first_share": 9 / 11, "along_first": 9 / 11, "top_share": 9 / 11, "first_norm": 3}.items():
        assert_close(found.tensors()[name], double(value), msg=name)
    assert (found.first_norm_null.item(), found.first_norm_null_spread.item()) == (1, 0)


def test_tokens_that_are_all_the_same_have_no_entropy_and_orthogonal_ones_all_of_it() -> None:
    found = compression(torch.stack([torch.ones(4, 5), torch.eye(4, 5)]))
    assert_close(found.entropy, double(0, 1), atol=1e-6, rtol=0)
    assert_close(found.top_share, double(1, 0.25))
    assert_close(found.first_share, found.first_share_null)


def test_what_the_first_token_leaves_bounds_the_entropy() -> None:
    long = torch.randn(5, 9, 7, dtype=torch.float64)
    long[:, 0] *= torch.logspace(0, 2, 5)[:, None]
    found = compression(long)
    assert bool((found.entropy <= found.bound + 1e-12).all())
    assert bool((found.along_first <= found.top_share + 1e-12).all())


def test_one_token_alone_has_no_others() -> None:
    found = compression(torch.randn(2, 1, 4))
    assert found.others_entropy.isnan().all() and found.entropy.tolist() == [0, 0]


def test_the_figure_of_the_valley_says_the_norms_too() -> None:
    figure = compression(torch.diag(torch.tensor([3.0, 1, 1]))[None]).figure()
    assert [one.name for one in figure.data[:4]] == [
        "entropy",
        "without the first token",
        "bound by the first token",
        "null",
    ]
    assert figure.data[0].text == ("<br>‖x₀‖ 3, other tokens 1",)
    assert [bool(one.visible in (None, True)) for one in figure.data] == [True] * 4 + [False] * 4


def test_a_head_that_says_two_things_equally_often_has_two_dimensions() -> None:
    z = torch.zeros(1, 4, 2, 3)
    z[0, :, 0, 0], z[0, :, 0, 1] = torch.tensor([1.0, -1, 0, 0]), torch.tensor([0, 0, 1.0, -1])
    z[0, :, 1] = torch.tensor([2.0, 0, 1])  # the same at every token
    found = head_dimension(z, torch.eye(3, 5).expand(1, 2, 3, 5))
    assert_close(found.participation[0, 0], torch.tensor(2.0).double())
    assert_close(found.entropy_rank[0, 0], torch.tensor(2.0).double())
    assert_close(found.constant_share[0], double(0, 1))
    assert found.participation[0, 1].isnan() and found.entropy_rank[0, 1].isnan()


def test_no_change_of_basis_and_no_flip_changes_what_a_head_writes() -> None:
    z, W_O, G = torch.randn(1, 6, 1, 3), torch.randn(1, 1, 3, 5), torch.randn(3, 3).double()
    before = head_dimension(z, W_O)
    after = head_dimension(-z.double() @ G, -torch.linalg.inv(G) @ W_O.double())
    for name, tensor in before.tensors().items():
        assert_close(after.tensors()[name], tensor, atol=1e-5, rtol=1e-5, msg=name)


def test_the_null_of_dimensions_is_a_head_that_writes_at_random() -> None:
    found = head_dimension(torch.randn(1, 400, 2, 4), torch.eye(4, 6).expand(1, 2, 4, 6))
    assert_close(found.participation, found.participation_null, rtol=0.02, atol=0)
    assert bool((found.participation_null_spread > 0).all())
    assert bool((found.constant_share < 0.05).all())


CAUSAL = torch.ones(1, 3, 3).tril().bool()


def one_head(pattern: Tensor, lengths: tuple[float, ...], visible: Tensor = CAUSAL) -> SinkTokens:
    """Of one head whose values write along one coordinate, as far as they are long."""
    values = torch.tensor(lengths)[None, :, None, None]
    return sink_tokens(pattern, visible, values, torch.ones(1, 1, 1, 1), ["a", "b", "c"])


def test_what_a_token_receives_stands_beside_what_it_gives() -> None:
    pattern = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, -0.25, 0.75]])[None, None]
    found = one_head(pattern, (2.0, 1.0, 3.0))
    assert_close(found.received, torch.tensor([[1 / 3, 5 / 8, 3 / 4]]))
    assert_close(found.received_null, torch.tensor([[(1 + 1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3) / 2, 1 / 3]]))
    assert_close(found.contribution, torch.tensor([[1 / 3, (1 + 1 / 10) / 2, 9 / 10]]))
    assert_close(found.contribution_null, torch.tensor([[(1 + 2 / 3 + 1 / 3) / 3, (1 / 3 + 1 / 6) / 2, 1 / 2]]))
    assert_close(found.value_norm, torch.tensor([[1.0, 0.5, 1.5]]))
    assert found.sink_heads.tolist() == [[1.0, 1.0, 0.0]]  # mean shares of 1/3, 5/12 and 1/4


def test_heads_that_undo_each_other_add_nothing() -> None:
    pattern = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]]).expand(1, 2, 3, 3).clone()
    pattern[0, 1, :, 0] *= -1
    found = sink_tokens(pattern, CAUSAL, torch.ones(1, 3, 1, 1), torch.ones(1, 2, 1, 4))
    assert found.contribution.tolist() == [[0.0, 0.5, 1.0]]
    assert_close(found.received[0, 0], torch.tensor((1 + 1 / 2 + 1 / 2) / 3))


def test_no_flip_and_no_change_of_scale_or_basis_changes_what_tokens_receive_and_give() -> None:
    pattern, values, W_O = torch.randn(1, 2, 3, 3).tril(), torch.randn(1, 3, 2, 4), torch.randn(1, 2, 4, 5)
    G, factor = torch.randn(4, 4) + 3 * torch.eye(4), torch.tensor([-2.0, 0.5])
    before = sink_tokens(pattern, CAUSAL, values, W_O)
    after = sink_tokens(
        pattern * factor[:, None, None], CAUSAL, values / factor[:, None] @ G, torch.linalg.inv(G) @ W_O
    )
    for name, tensor in before.tensors().items():
        assert_close(after.tensors()[name], tensor, atol=1e-4, rtol=1e-4, msg=name)


def test_the_direction_of_sinks_is_found_with_its_coordinate_and_stands_out_of_the_null() -> None:
    residual = torch.randn(3, 8, 6)
    residual[1:, [0, 4], 3] += 50  # from the first layer on
    pattern = torch.zeros(2, 1, 8, 8)
    pattern[0], pattern[1, 0, :, [0, 4]] = torch.eye(8), 0.5
    found = sink_direction(residual, pattern, (0, 1), [*"abcdefgh"])
    assert found.is_sink.nonzero().flatten().tolist() == [0, 4] and found.reference == 1
    assert found.dimension[1:].tolist() == [3, 3] and bool((found.top_share[1:] > 0.99).all())
    assert bool((found.separation - found.separation_null > 5 * found.separation_null_spread)[1:].all())
    assert_close(found.cosine[1], torch.tensor(1.0).double())
    figure = found.figure()
    assert figure.layout.xaxis.title.text == "sinks: a at 0, e at 4"
    assert figure.data[0].text[1] == "<br>largest coordinate 3"


def test_where_no_token_is_a_sink_the_one_that_receives_most_is_looked_at() -> None:
    pattern = torch.full((1, 1, 9, 9), 0.1)
    pattern[..., 5] = 0.2
    assert sink_direction(torch.randn(2, 9, 3), pattern, (0,)).is_sink.nonzero().flatten().tolist() == [5]


def test_the_figure_of_sink_tokens_has_a_view_of_each() -> None:
    figure = one_head(torch.eye(3)[None, None], (1.0, 1.0, 1.0)).figure()
    assert [one.name for one in figure.data] == [
        "received weight",
        "contribution",
        "length of values",
        "heads that rest on it",
    ]
    assert figure.data[2].text[0, 0] == "1.0000 ± 0.0000" and figure.layout.xaxis.title.text == "token"


def causal_softmax(scores: Tensor) -> Tensor:
    hidden = ~torch.ones(scores.shape[-2:]).tril().bool()
    return scores.masked_fill(hidden, -torch.inf).softmax(-1)


def test_one_key_above_equal_ones_reaches_the_bound() -> None:
    scores = torch.zeros(1, 1, 6, 6)
    scores[..., 0] = 2.0
    visible = torch.ones(1, 6, 6).tril().bool()
    signs = torch.tensor([1.0, -1, 1, -1, 1, 1])
    found = dispersion(causal_softmax(scores) * signs, scores, visible)
    known = {"spread": 2.0, "score_spread": 2.0, "tightness": 1.0, "half_at": math.log10(math.e**2 + 1)}
    for name, value in known.items():
        assert_close(found.tensors()[name], torch.tensor([[value]]), msg=name)
    curves = dispersion_curves(causal_softmax(scores) * signs, visible)
    assert curves.lengths == (2, 3, 4.5, 6)
    bounds = [math.e**2 / (math.e**2 + n - 1) for n in range(2, 7)]
    assert_close(curves.bound[0, 0], torch.tensor([bounds[0], bounds[1], bounds[2], bounds[4]]))
    assert_close(curves.largest[0, 0, [0, 1, 3]], curves.bound[0, 0, [0, 1, 3]])
    assert_close(curves.largest[0, 0, 2], torch.tensor((bounds[2] + bounds[3]) / 2))


def test_no_largest_share_passes_its_bound() -> None:
    scores, visible = 3 * torch.randn(2, 3, 40, 40), torch.ones(2, 40, 40).tril().bool()
    curves = dispersion_curves(causal_softmax(scores), visible)
    assert bool((curves.largest <= curves.bound + 1e-6).all())
    found = dispersion(causal_softmax(scores), scores, visible)
    assert_close(found.spread, found.score_spread, atol=1e-4, rtol=0)
    assert bool(((found.tightness - found.tightness_null).abs() < 0.1).all())  # rows of noise are their own null


def test_a_kernel_whose_weights_vanish_spreads_further_than_its_scores() -> None:
    scores, visible = torch.tensor([[0.0, 1], [1, 0]])[None, None], torch.ones(1, 2, 2).bool()
    found = dispersion(scores, scores, visible)
    assert found.score_spread.tolist() == [[1.0]] and 87 < found.spread.item() < 88


def found_of(variant: str, name: str) -> Any:
    return analyse(hooked_tiny(variant), [PromptTokens(IDS, tuple(map(str, IDS)))], [name])[name]


@pytest.mark.parametrize("variant", ["softmax", "cog", "selective", "sink"])
def test_exponentials_of_scores_spread_no_further_than_them(variant: str) -> None:
    found = found_of(variant, "dispersion")
    assert bool((found.off_exponential < 1e-3).all())
    assert bool((found.spread <= found.score_spread + 1e-3).all())


@pytest.mark.parametrize("variant", ["expressive", "polynomial"])
def test_powers_of_scores_are_no_exponentials(variant: str) -> None:
    assert bool((found_of(variant, "dispersion").off_exponential > 0.1).all())


def test_a_kernel_with_a_sink_of_its_own_leaves_mass_and_no_other_does() -> None:
    assert bool((found_of("sink", "sinks").into_nothing > 0).all())
    assert not found_of("polynomial", "sinks").into_nothing.any()


def test_rows_of_one_key_have_no_dispersion() -> None:
    pattern, visible = torch.ones(1, 2, 1, 1), torch.ones(1, 1, 1).bool()
    assert dispersion(pattern, pattern, visible).spread.isnan().all()
    assert dispersion_curves(pattern, visible).largest.isnan().all()


def test_curves_of_a_layer_stand_below_their_bounds_in_one_figure() -> None:
    scores, visible = torch.randn(2, 2, 9, 9), torch.ones(2, 9, 9).tril().bool()
    figure = dispersion_curves(causal_softmax(scores), visible).figure()
    assert [one.name for one in figure.data[:5]] == ["L0H0", "L0H0, bound", "L0H1", "L0H1, bound", "null"]
    assert [one.visible for one in figure.data] == [True] * 5 + [False] * 5


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_draws_a_prompt_of_every_variant(variant: str) -> None:
    model, tokens = hooked_tiny(variant), PromptTokens(IDS, tuple(map(str, IDS)))
    rows = [row for row in ROWS if isinstance(row, Analysis)]
    [run] = gathered_activations(model, [tokens], sorted({name for row in rows for name in row.needs}))
    setting = Setting(model_facts(model), lambda: head_weights(model))
    may_be_empty = VARIANTS[variant].row_law in (RowLaw.SUB_STOCHASTIC, RowLaw.NON_NEGATIVE)  # rows without any weight
    for row in rows:
        result = row.compute(setting, run)
        numbers = result.tensors().values()
        assert all((tensor.isfinite() | (tensor.isnan() & may_be_empty)).all() for tensor in numbers), row.name
        assert result.figure().data and result.to_json()["about"]["title"]


def test_what_a_token_gives_is_what_the_gates_of_its_rows_let_through() -> None:
    pattern, values, W_O = causal_softmax(torch.randn(1, 2, 3, 3)), torch.randn(1, 3, 2, 4), torch.randn(1, 2, 4, 5)
    gate = torch.rand(1, 3, 2, 1)
    found = sink_tokens(pattern, CAUSAL, values, W_O, gate=gate)
    through = torch.einsum("hqk,qhe,khd,hdm->qkm", pattern[0], gate[0], values[0], W_O[0]).norm(dim=-1)
    shares = through / through.sum(-1, keepdim=True)
    assert_close(found.contribution[0], shares.sum(0) / CAUSAL[0].sum(0))
    assert_close(found.received, sink_tokens(pattern, CAUSAL, values, W_O).received)
    by_entry = sink_tokens(pattern, CAUSAL, values, W_O, gate=torch.rand(1, 3, 2, 4))
    assert by_entry.contribution.isnan().all() and by_entry.received.isfinite().all()
