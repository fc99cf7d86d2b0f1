"""The tokens of one prompt: matrices, heads and patterns by hand, whose entropy, dimension and sinks are known."""

import math

import pytest
import torch
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Setting
from headscope.interp.collapse.tokens.compression import compression
from headscope.interp.collapse.tokens.head_dimension import head_dimension
from headscope.interp.collapse.tokens.rows import ROWS
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
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


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_draws_a_prompt_of_every_variant(variant: str) -> None:
    model, tokens = hooked_tiny(variant), PromptTokens(IDS, tuple(map(str, IDS)))
    [run] = gathered_activations(model, [tokens], sorted({name for row in ROWS for name in row.needs}))
    setting = Setting(model_facts(model), lambda: head_weights(model))
    for row in ROWS:
        result = row.compute(setting, run)
        assert all(tensor.isfinite().all() for tensor in result.tensors().values()), row.name
        assert result.figure().data and result.to_json()["about"]["title"]
