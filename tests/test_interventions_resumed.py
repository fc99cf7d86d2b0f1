"""Resumed passes: from a kept residual stream on, a model of any family computes what its whole pass does."""

from functools import cache
from typing import Any

import pytest
import torch
from layer_calls import counted_tokens
from test_seam_hybrids import HYBRIDS
from tiny_decoders import EVERY, attached
from tiny_encoders import PICTURES, TEXTS, bare_encoder, masked_model, pixels_of
from tiny_families import UNLISTED, ids_of, unlisted
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.interventions.effect import changed_answers, intervene
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.kept_run import kept_runs
from headscope.interp.interventions.row_changes import row_changes, untouched_answers
from headscope.interp.interventions.sweep import sweep
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked
from headscope.models.hooked.resumed.resumption import recorded_pass, resumption

IDS = (5, 17, 9, 5, 88, 17, 5, 30, 64)
TOKENS = PromptTokens(IDS, tuple(map(str, IDS)))


@cache
def model(family: str) -> Any:
    """Selective where a family is listed, so that layers have temperatures; else cog."""
    if family in EVERY:
        return hooked(attached(family, "selective"))
    builders: dict[Any, tuple[str, ...]] = {masked_model: TEXTS, bare_encoder: PICTURES}
    return hooked(next((build for build, names in builders.items() if family in names), unlisted)(family))


def inputs(family: str) -> Tensor:
    return pixels_of(1) if family in PICTURES else ids_of(1)


def with_channel(bridge: Any, give: int, take: int) -> Any:
    """The model, one of whose layers takes from another beside the residual stream."""
    held: list[Tensor] = []
    bridge.blocks[give].register_forward_hook(lambda block, places, output: held.insert(0, output))
    bridge.blocks[take].mlp.register_forward_hook(lambda mlp, places, output: output + held[0])
    return bridge


@pytest.mark.parametrize("family", [*EVERY, *UNLISTED, *HYBRIDS, *TEXTS, *PICTURES])
@torch.no_grad()
def test_a_pass_of_any_family_goes_on_from_every_layer(family: str) -> None:
    bridge, given = model(family), inputs(family)
    begins, (streams, _, answer) = resumption(bridge, given[:, :4]), recorded_pass(bridge, given)
    assert begins.layers == tuple(range(len(bridge.blocks)))
    for layer, stream in enumerate(streams):
        with begins.resumed_at(layer, stream[0]), counted_tokens(bridge) as counts:
            rows = bridge(given.expand(3, *given.shape[1:]))
        assert_close(rows, answer.expand_as(rows), atol=1e-5, rtol=1e-4)
        assert len(counts) == len(bridge.blocks) - layer
    assert_close(bridge(given), answer)


def test_a_pass_may_end_before_the_last_layer() -> None:
    bridge: Any = hooked_tiny("cog")
    [run] = kept_runs(bridge, [TOKENS])
    with run.resumed_at(1, 2), counted_tokens(bridge) as counts:
        bridge(torch.tensor([IDS]))
    assert counts == [len(IDS)]


@pytest.mark.parametrize(("give", "take", "layers"), [(0, 2, (0,)), (1, 2, (0, 1)), (0, 1, (0, 2))])
def test_where_a_layer_takes_more_than_the_stream_a_pass_begins_before_what_it_takes(
    give: int, take: int, layers: tuple[int, ...]
) -> None:
    bridge = with_channel(hooked_tiny("cog"), give, take)
    assert resumption(bridge, torch.tensor([IDS[:4]])).layers == layers
    found = sweep(bridge, TOKENS, ["flip"])
    for layer in range(3):
        alone = intervene(bridge, TOKENS, [Intervention("flip", layer, 1)])
        assert_close(found.kl[0, layer, 1], alone.kl.mean(), atol=1e-5, rtol=1e-3)


def test_blocks_that_return_another_tensor_are_not_passed_by() -> None:
    bridge: Any = hooked_tiny("cog")
    bridge.blocks[1].register_forward_hook(lambda block, places, output: (output, output))
    bridge.blocks[2].register_forward_pre_hook(lambda block, places: (places[0][0], *places[1:]))
    [run] = kept_runs(bridge, [TOKENS])
    with run.resumed_at(2, 2), counted_tokens(bridge) as counts:
        assert_close(bridge(torch.tensor([IDS]))[0], run.logits)
    assert run.resumption.layers == (0,) and len(counts) == 3


def test_a_start_that_was_not_seen_to_be_right_is_refused() -> None:
    begins = resumption(with_channel(hooked_tiny("cog"), 0, 2), torch.tensor([IDS[:4]]))
    with (
        pytest.raises(ValueError, match=r"cannot begin at layer 2 of this model; it can at \(0,\)"),
        begins.resumed_at(2, torch.zeros(4, 32)),
    ):
        pass


@pytest.mark.parametrize("size", [1e-3, 1.0, 100.0])
def test_changes_of_many_rows_are_those_of_each_alone(size: float) -> None:
    before, known = 3 * torch.randn(7, 99, dtype=torch.float64), torch.tensor(IDS[:6])
    after = before + size * torch.randn(4, 7, 99, dtype=torch.float64)
    found = row_changes(untouched_answers(before), after, known)
    for row, item in enumerate(after):
        alone = changed_answers(before, item, known)
        assert_close(found.kl[row], alone.kl)
        assert_close(found.loss_change[row], alone.loss_change[:-1])
        assert found.changed[row].equal(alone.changed)


def test_small_changes_do_not_drown_in_large_logits() -> None:
    before, known = 3 * torch.randn(3, 20_000), torch.tensor(IDS[:2])
    after = before + 1e-2 * torch.randn(2, 3, 20_000)
    exact = row_changes(untouched_answers(before.double()), after.double(), known).kl
    assert_close(row_changes(untouched_answers(before), after, known).kl.double(), exact, atol=1e-6, rtol=0)
