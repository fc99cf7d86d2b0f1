"""The residual stream: collapsed and noisy matrices with known geometry, sinks and massive activations by hand."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.collapse.massive import massive_activations
from headscope.interp.collapse.matrix_measures import (
    MEASURES,
    mean_cosine,
    relative_residual,
    singular_values,
    stable_rank,
)
from headscope.interp.collapse.residual import residual_geometry, residual_norms, residual_stream
from headscope.interp.collapse.sinks import sinks
from headscope.interp.weights.effective_rank import effective_rank, effective_rank_of_squares

CAUSAL = torch.ones(1, 4, 4).tril().bool()


def random_stream(depths: int = 3, pos: int = 9, d_model: int = 5) -> Tensor:
    return torch.randn(depths, pos, d_model, dtype=torch.float64)


def test_equal_rows_are_collapsed() -> None:
    found = residual_geometry(torch.randn(2, 1, 6).expand(2, 8, 6))
    assert_close(found.relative_residual, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-7)
    for name in ("mean_cosine", "stable_rank", "effective_rank", "effective_rank_of_squares"):
        assert_close(found.tensors()[name], torch.ones(2, dtype=torch.float64), rtol=1e-5, atol=0)


def test_orthogonal_rows_of_one_length_have_full_rank_and_no_cosine() -> None:
    found = residual_geometry(3 * torch.eye(4)[None])
    assert_close(found.effective_rank, torch.tensor([4.0], dtype=torch.float64))
    assert_close(found.effective_rank_of_squares, torch.tensor([4.0], dtype=torch.float64))
    assert_close(found.stable_rank, torch.tensor([4.0], dtype=torch.float64))
    assert_close(found.mean_cosine, torch.zeros(1, dtype=torch.float64), rtol=0, atol=1e-12)
    assert_close(found.relative_residual, torch.tensor([0.75**0.5], dtype=torch.float64))


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    X = random_stream()
    unit = X / X.norm(dim=-1, keepdim=True)
    pairs = (unit @ unit.mT)[:, ~torch.eye(9, dtype=torch.bool)]
    assert_close(mean_cosine(X), pairs.mean(-1))


def test_rows_of_zeros_have_no_direction() -> None:
    X = random_stream()
    padded = torch.cat([X, torch.zeros(3, 2, 5, dtype=torch.float64)], 1)
    assert_close(mean_cosine(padded), mean_cosine(X))


@pytest.mark.parametrize("shape", [(2, 9, 5), (2, 5, 9)])
def test_singular_values_come_from_the_smaller_gram_matrix(shape: tuple[int, int, int]) -> None:
    X = torch.randn(shape)
    sigma = torch.linalg.svdvals(X.double())
    assert_close(singular_values(X), sigma.flip(-1))
    p = sigma / sigma.sum(-1, keepdim=True)
    assert_close(effective_rank(singular_values(X)), (-(p * p.log()).sum(-1)).exp())
    assert_close(stable_rank(singular_values(X)), X.double().norm(dim=(1, 2)) ** 2 / sigma[:, 0] ** 2)


def test_both_effective_ranks_of_two_directions_are_those_counted_by_hand() -> None:
    found = residual_geometry(torch.tensor([[[2.0, 0, 0], [0, 1, 0]]]))
    of_thirds = math.exp(math.log(3) - 2 / 3 * math.log(2))  # σ/Σσ = 2/3, 1/3
    of_fifths = math.exp(math.log(5) - 4 / 5 * math.log(4))  # σ²/Σσ² = 4/5, 1/5
    assert_close(found.effective_rank.item(), of_thirds)
    assert_close(found.effective_rank_of_squares.item(), of_fifths)
    assert found.stable_rank.item() == pytest.approx(5 / 4)


def test_a_direction_that_dominates_collapses_the_rank_of_squares_first() -> None:
    sigma = torch.tensor([100.0, *[1.0] * 99]).double()
    assert effective_rank(sigma) > 19 and effective_rank_of_squares(sigma) < 1.2
    sigma = torch.rand(50, 7).double()
    ranks = (stable_rank(sigma), effective_rank_of_squares(sigma), effective_rank(sigma))
    assert bool((ranks[0] <= ranks[1]).all() and (ranks[1] <= ranks[2]).all())


def test_both_effective_ranks_say_whose_they_are() -> None:
    about = residual_geometry(random_stream()).about
    assert "exp H(σ/Σσ), of squares exp H(σ²/Σσ²)" in about.law
    assert "effective rank: Roy & Vetterli 2007; of squares: Giraldo et al. 2014" in about.source


def test_the_relative_residual_is_what_is_left_of_the_mean() -> None:
    X = random_stream()
    left = torch.stack([x - x.mean(0) for x in X])
    assert_close(relative_residual(X), left.flatten(1).norm(dim=1) / X.flatten(1).norm(dim=1))


def test_the_null_is_noise_of_the_same_norms() -> None:
    noise = torch.randn(1, 40, 30, dtype=torch.float64) * torch.linspace(0.1, 5, 40, dtype=torch.float64)[:, None]
    fields = residual_geometry(noise).tensors()
    for name in ("relative_residual", "effective_rank"):
        assert_close(fields[name], fields[f"{name}_null"], rtol=0.02, atol=0)
    assert abs(float(fields["mean_cosine_null"])) < 0.05 and float(fields["stable_rank_null_spread"]) > 0


def test_one_token_has_no_pair() -> None:
    assert residual_geometry(torch.randn(1, 1, 4)).mean_cosine.isnan().all()


def test_the_stream_starts_with_the_embedding() -> None:
    pre, post = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    stream = residual_stream(pre, post)
    found = residual_norms(stream, ["a", "b", "c"])
    assert_close(found.norm, torch.stack([pre[0], post[0], post[1]]).norm(dim=-1))
    assert found.labels == {"depth": ("embedding", "layer 0", "layer 1"), "pos": ("a", "b", "c")}


def test_a_head_on_the_first_token_is_a_sink_whatever_its_sign() -> None:
    pattern = torch.stack([torch.eye(4), torch.zeros(4, 4), torch.zeros(4, 4)])[None]
    pattern[0, 1, :, 0], pattern[0, 2, :, 0] = 1.0, -2.0
    found = sinks(pattern, CAUSAL)
    assert_close(found.share, torch.tensor([[0.25, 1.0, 1.0]]))
    assert found.is_sink.tolist() == [[0.0, 1.0, 1.0]]
    assert_close(found.layer_rate, torch.tensor([2 / 3]))
    assert found.rate == pytest.approx(2 / 3)
    assert_close(found.share_null, torch.full((1, 3), (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4))


def test_sinks_depend_on_the_threshold_and_not_on_rows_of_zeros() -> None:
    pattern = torch.eye(4)[None, None].clone()
    pattern[0, 0, 2:] = 0
    found = sinks(pattern, CAUSAL, epsilon=0.5)
    assert found.share.tolist() == [[0.5]] and found.is_sink.tolist() == [[0.0]]
    assert sinks(pattern, CAUSAL, epsilon=0.4).is_sink.tolist() == [[1.0]]
    dead = sinks(torch.zeros_like(pattern), CAUSAL)
    assert dead.share.isnan().all() and dead.is_sink.isnan().all()


def test_nan_is_not_hidden_by_the_mean() -> None:
    pattern = torch.eye(4)[None, None].clone()
    pattern[0, 0, 2, 1] = torch.nan
    assert sinks(pattern, CAUSAL).share.isnan().all()


def test_massive_activations_are_large_and_far_above_the_median() -> None:
    residual = torch.full((2, 3, 50), 0.05)
    residual[0, 1, 7], residual[0, 2, 9] = -300.0, 40.0  # the second is far above the median and not large
    residual[1] = 1.0
    residual[1, 0, 3] = 500.0  # large and not far above the median
    found = massive_activations(residual, ["a", "b", "c"])
    assert found.count.tolist() == [1, 0]
    assert found.value[:, 0].tolist() == [-300.0, 500.0]
    assert (found.position[:, 0].tolist(), found.dimension[:, 0].tolist()) == ([1, 0], [7, 3])
    assert_close(found.ratio[:, 0], torch.tensor([6000.0, 500.0]))


def test_the_entries_of_noise_are_as_large_as_their_null() -> None:
    found = massive_activations(torch.randn(2, 30, 40), top=1)
    assert bool(((found.ratio - found.ratio_null).abs() < 5 * found.ratio_null_spread).all())
    assert found.count.tolist() == [0, 0]


def test_the_geometry_s_figure_shows_each_measure_beside_its_null() -> None:
    found = residual_geometry(random_stream())
    figure = found.figure()
    assert [one.name for one in figure.data[:2]] == ["mean cosine", "null"]
    assert [button.label for button in figure.layout.updatemenus[0].buttons][:2] == ["mean cosine", "relative residual"]
    assert figure.data[4].y.tolist() == found.effective_rank.tolist()
    assert figure.data[5].error_y.array.tolist() == found.effective_rank_null_spread.tolist()
    assert [bool(one.visible) for one in figure.data] == [True, True] + [False] * 2 * (len(MEASURES) - 1)


def test_the_figure_of_massive_activations_says_where_they_stand() -> None:
    residual = torch.full((1, 2, 4), 0.5)
    residual[0, 1, 3] = -9.0
    figure = massive_activations(residual, ["<s>", "<b>"]).figure()
    assert figure.data[0].text[0] == "&lt;b&gt; at 1, dimension 3" and figure.data[0].y.tolist() == [9.0]
    assert figure.data[0].customdata[0, 0] == -9.0


def test_norms_and_sinks_are_drawn_by_depth_and_by_head() -> None:
    norms = residual_norms(random_stream()).figure()
    assert norms.data[0].zmin == 0 and norms.layout.yaxis.ticktext == ("embedding", "layer 0", "layer 1")
    share, which, anywhere = sinks(torch.eye(4)[None, None], CAUSAL).figure().data
    assert share.z.tolist() == [[0.25]] and which.z.tolist() == [[0.0]] and which.visible is False
    assert anywhere.z.tolist() == [[0.25]] and anywhere.visible is False


def test_a_head_may_rest_on_another_token_than_the_first() -> None:
    pattern = torch.zeros(1, 1, 4, 4)
    pattern[0, 0, 0, 0], pattern[0, 0, 1:, 1] = 1.0, -3.0
    found = sinks(pattern, CAUSAL)
    assert_close((found.share, found.anywhere), (torch.tensor([[0.25]]), torch.tensor([[0.75]])))


def test_what_rows_leave_goes_into_nothing_where_their_law_lets_them() -> None:
    pattern = torch.eye(4).expand(2, 1, 4, 4) * 0.6
    found = sinks(pattern, CAUSAL.expand(2, 4, 4), leaves_mass=[True, False])
    assert_close(found.into_nothing, torch.tensor([[0.4], [0.0]]))
    assert_close(found.into_nothing_null, torch.tensor([[(1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4], [0.0]]))
    assert [one.name for one in found.figure().data][-1] == "into_nothing"
    assert_close(found.share, torch.full((2, 1), 0.25))  # of what is given to keys
