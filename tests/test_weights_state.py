"""The matrices of heads are read once a model, and anew after anything that changes what they say."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny_decoders import attached, random_ids
from torch import nn

from headscope.interp.reading.hooked_model import module_of
from headscope.interp.weights.head_weights import head_weights, weights_as_read
from headscope.interp.weights.weight_state import weight_state
from headscope.models.hooked import hooked


@pytest.fixture
def model() -> Any:
    return hooked(attached("gpt2", "cog"))


def projection(model: Any) -> nn.Module:
    return model.blocks[1].attn.o.original_component


def train(model: Any, **how: bool) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, **how)
    model(random_ids(1, 6)).logsumexp(-1).mean().backward()
    optimizer.step()


def write_in_place(model: Any) -> None:
    with torch.no_grad():
        projection(model).weight[0, 0] += 1e-6


def swap_columns_past_the_count(model: Any) -> None:
    weight = projection(model).weight
    weight.data = weight.data  # which is no write
    weight.data[:, [0, 1]] = weight.data[:, [1, 0]]


def flip_past_the_count(model: Any) -> None:
    projection(model).weight.data.neg_()


def write_by_numpy(model: Any) -> None:
    projection(model).weight.detach().numpy()[3] *= 2


def load_another_state(model: Any) -> None:
    plain = model.original_model
    plain.load_state_dict({name: value * 1.01 for name, value in plain.state_dict().items()})


def wrap(model: Any) -> None:
    projection(model).register_forward_hook(lambda module, args, output: 2 * output)


def put_another_in_its_place(model: Any) -> None:
    module = projection(model)
    module.weight = nn.Parameter(module.weight.detach().clone() * 2)


CHANGES: list[Callable[[Any], None]] = [
    train,
    lambda model: train(model, foreach=True),
    lambda model: train(model, fused=True),
    write_in_place,
    swap_columns_past_the_count,
    flip_past_the_count,
    write_by_numpy,
    load_another_state,
    wrap,
    put_another_in_its_place,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_weights_has_them_read_anew(change: Callable[[Any], None], model: Any) -> None:
    before = head_weights(model)
    change(model)
    after, plain = head_weights(model), weights_as_read(model)
    assert after is not before
    for name in ("W_Q", "W_K", "W_V", "W_O", "W_E", "W_U", "b_Q", "b_U"):
        torch.testing.assert_close(getattr(after, name), getattr(plain, name), rtol=0, atol=0)
    assert head_weights(model) is after


def test_what_changes_no_weight_reads_nothing_again(model: Any) -> None:
    before = head_weights(model)
    model.train()
    model(random_ids(1, 6))
    model.add_hook("blocks.0.hook_resid_pre", lambda value, hook: 0 * value)
    assert head_weights(model) is before


def test_what_is_computed_of_the_matrices_reads_nothing_again(model: Any) -> None:
    before = head_weights(model)
    assert before.W_U_centred.shape == before.W_U.shape and head_weights(model) is before


def test_matrices_that_somebody_wrote_into_are_not_handed_out_again(model: Any) -> None:
    before = head_weights(model).W_Q.clone()
    head_weights(model).W_Q.zero_()
    torch.testing.assert_close(head_weights(model).W_Q, before, rtol=0, atol=0)


def test_the_embedding_is_the_models_own_memory(model: Any) -> None:
    assert head_weights(model).W_E.data_ptr() == model.embed.original_component.weight.data_ptr()


def test_a_state_forgets_nothing_of_a_tensor_that_is_a_number(model: Any) -> None:
    factor = torch.tensor(2)
    projection(model).register_buffer("factor", factor)
    before = weight_state(module_of(model))
    factor.data.fill_(3)
    assert weight_state(module_of(model)) != before
