"""A mixer's weights are the Jacobian of its output by its values, however its state decays, forgets and takes in."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from mixer_cases import DELTA, LENGTH, MIXERS, first_call, gradient_of_values, hybrid, places_of, prompt
from torch import Tensor
from torch.testing import assert_close

from headscope.models.mixers.recurrence import Recurrence
from headscope.models.mixers.watched import watched_mixers

EVERY_ROW, EVERY_HEAD = torch.arange(LENGTH), slice(0, 4)


def random_recurrence(*, per_entry: bool, removes: bool, skips: bool) -> Recurrence:
    draw = torch.Generator().manual_seed(0)
    q, k = (torch.randn(4, LENGTH, 3, generator=draw, dtype=torch.float64) for _ in "qk")
    decay = -torch.rand(4, LENGTH, 3 if per_entry else 1, generator=draw, dtype=torch.float64)
    beta = torch.rand(4, LENGTH, generator=draw, dtype=torch.float64)
    skip = torch.randn(4, generator=draw, dtype=torch.float64) if skips else None
    return Recurrence(q, k, decay, beta, beta * 0.7 if removes else None, skip)


def state_by_state(of: Recurrence, values: Tensor) -> Tensor:
    """o of every head, as the recurrence is written."""
    state = values.new_zeros(len(of.q), of.q.shape[-1], values.shape[-1])
    outputs = []
    for at in range(of.q.shape[1]):
        key, kept = of.k[:, at, :, None], of.log_decay[:, at, :, None].exp() * state
        forgotten = 0 if of.removal is None else of.removal[:, at, None, None] * key @ (key.mT @ kept)
        state = kept - forgotten + of.write[:, at, None, None] * key @ values[:, at, None]
        skipped = 0 if of.skip is None else of.skip[:, None] * values[:, at]
        outputs.append((state.mT @ of.q[:, at, :, None])[..., 0] + skipped)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("per_entry", [False, True])
@pytest.mark.parametrize("removes", [False, True])
@pytest.mark.parametrize("skips", [False, True])
def test_the_weights_are_the_jacobian_of_the_recurrence(per_entry: bool, removes: bool, skips: bool) -> None:
    of = random_recurrence(per_entry=per_entry, removes=removes, skips=skips)
    values = torch.randn(4, LENGTH, 2, dtype=torch.float64)
    jacobian: Any = torch.func.jacrev(lambda v: state_by_state(of, v))(values)
    ours = of.weights(EVERY_HEAD, EVERY_ROW)
    for head in range(4):
        shared = torch.einsum("ts,de->tdse", ours[head], torch.eye(2, dtype=torch.float64))
        assert_close(jacobian[head][:, :, head], shared, rtol=1e-12, atol=1e-14)


def test_a_row_alone_is_the_row_of_the_whole() -> None:
    of = random_recurrence(per_entry=True, removes=True, skips=True)
    whole = of.weights(EVERY_HEAD, EVERY_ROW)
    assert_close(of.weights(slice(1, 3), torch.tensor([7, 2])), whole[1:3, [7, 2]])


def test_many_rows_at_once_are_the_rows_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    of = random_recurrence(per_entry=False, removes=True, skips=True)
    one_by_one = of.weights(EVERY_HEAD, EVERY_ROW)
    monkeypatch.setattr("headscope.models.mixers.recurrence.MANY", 1)
    assert_close(of.weights(EVERY_HEAD, EVERY_ROW), one_by_one, rtol=1e-12, atol=1e-14)
    assert_close(of.weights(slice(1, 3), torch.tensor([7, 2])), one_by_one[1:3, [7, 2]], rtol=1e-12, atol=1e-14)


def test_without_removal_both_ways_to_the_weights_agree() -> None:
    of = random_recurrence(per_entry=False, removes=False, skips=False)
    carried = replace(of, removal=torch.zeros_like(of.write)).weights(EVERY_HEAD, EVERY_ROW)
    assert_close(of.weights(EVERY_HEAD, EVERY_ROW), carried, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("family", MIXERS)
def test_the_weights_of_a_mixer_of_transformers_are_its_jacobian(family: str) -> None:
    call = first_call(hybrid(family))
    assert call.place.reading.name == MIXERS[family] and call.output is not None
    output = call.output[0].reshape(call.arguments[call.place.reading.value].shape[1:])
    weights = call.mixed().recurrence.weights(EVERY_HEAD, EVERY_ROW)
    along = torch.randn(output.shape[1:])
    for row in (0, 4, LENGTH - 1):
        gradient = gradient_of_values(call, (output[row] * along).sum())
        assert_close(gradient, torch.einsum("hs,hd->shd", weights[:, row], along), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_model_s_numbers_stay_as_they_are_while_its_mixers_are_watched() -> None:
    model, ids = hybrid(DELTA[0]), torch.tensor([prompt().ids])
    plain = model(ids)
    with watched_mixers(places_of(model)) as calls:
        assert torch.equal(model(ids), plain)
    assert torch.equal(model(ids), plain)
    assert [call.place.number for call in calls] == [0, 2]


@torch.no_grad()
def test_a_mixer_is_read_alike_whichever_others_are_watched() -> None:
    model, ids = hybrid(DELTA[0]), torch.tensor([prompt().ids])
    with watched_mixers(places_of(model)[:1]) as calls:
        model(ids)
    with watched_mixers(places_of(model)) as both:
        model(ids)
    assert torch.equal(calls[0].mixed().output, both[0].mixed().output)
