"""Projections that no module of their own makes are measured at position 0: exactly what they are, or refused."""

from typing import Any

import pytest
import torch
from tiny_decoders import stir
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from headscope.interp.families.trial import tiny_random_model
from headscope.interp.weights.head_weights import head_weights
from headscope.interp.weights.heads_at_zero import maps_at_zero
from headscope.models.hooked import hooked
from headscope.models.seam.tiny_config import tiny_config


def persimmon() -> Any:
    """Queries, keys and values from one matrix, head by head, a part of each rotated."""
    config: Any = tiny_config("persimmon")
    config.qk_layernorm = False
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    stir(model, 0.1)
    return model


def test_a_fused_matrix_is_read_slice_by_slice() -> None:
    model = persimmon()
    fused = model.model.layers[1].self_attn.query_key_value
    slices = fused.weight.detach().view(4, 3, 8, 32), fused.bias.detach().view(4, 3, 8)
    maps = maps_at_zero(hooked(model), 1)
    for place, name in enumerate("qkv"):
        assert_close(maps[name].W, slices[0][:, place].flatten(0, 1).T, atol=1e-5, rtol=1e-5)
        assert_close(maps[name].b, slices[1][:, place].flatten(), atol=1e-5, rtol=1e-5)


def test_with_them_all_circuits_keep_their_laws() -> None:
    assert not head_weights(hooked(persimmon())).misread


@pytest.mark.parametrize("family", ["qwen3_next", "qwen3_5_text"])
def test_queries_beside_their_gates_are_read_before_their_norm(family: str) -> None:
    assert {*head_weights(hooked(tiny_random_model(family))).misread} == {"residual parts"}


def test_what_a_norm_of_latents_makes_is_refused_by_its_reason() -> None:
    weights = head_weights(hooked(tiny_random_model("deepseek_v3")))
    assert {*weights.misread} == {"W_Q", "W_K", "W_V", "W_QK"}
    with pytest.raises(ValueError, match="no linear map of the residual makes it: a norm stands between two proj"):
        weights.refuse_misread("W_V")


@torch.no_grad()
def test_the_model_stays_as_it_is() -> None:
    bridge: Any = hooked(persimmon())
    ids = torch.arange(3, 9)[None]
    bridge.blocks[0].attn.hook_v.add_hook(lambda value, hook: value * 2)
    edited = bridge(ids)
    maps = maps_at_zero(bridge, 0)
    assert torch.equal(bridge(ids), edited)
    bridge.reset_hooks()
    assert_close(maps_at_zero(bridge, 0)["v"].W, maps["v"].W)
