"""The effective pattern is what autograd says: ∂o_t/∂v_s of attention, gates, temperatures and recurrences alike."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from mixer_cases import LENGTH, MIXERS, first_call, gradient_of_values, hybrid, prompt
from tiny_decoders import SPECS, attached
from torch import Tensor
from torch.testing import assert_close

from headscope import effective_pattern
from headscope.interp.effective.mixer_layer import layer_mixing, output_weights
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

LAST = LENGTH - 1
# Norms of a head or of all, gates before or after them.
GATED = ("qwen3_next", "kimi_linear", "bamba", "minimax")


def keeping(kept: dict[str, Tensor], name: str) -> Any:
    """A hook that keeps what goes on from it."""

    def keep(value: Tensor, hook: object) -> Tensor:
        kept[name] = value
        return value

    return keep


@pytest.mark.parametrize("name", SPECS)
def test_it_is_the_pattern_times_the_temperature_of_the_value_for_every_kernel(name: str) -> None:
    model: Any = hooked(attached("llama", name))
    with torch.no_grad():
        _, cache = model.run_with_cache(torch.tensor([prompt().ids]))
    tau = cache.cache_dict.get("blocks.1.attn.hook_temperature_v", torch.ones(1, 1, LENGTH))[0]
    pattern = cache["blocks.1.attn.hook_pattern"][0] * tau.repeat_interleave(4 // len(tau), 0)[:, None]
    gate = cache.cache_dict.get("blocks.1.attn.hook_gate", torch.ones(1, LENGTH, 4, 1))[0]
    if gate.shape[-1] > 1:
        pytest.skip("its gates differ by entry: its weights go along what a head writes, as below")
    pattern = pattern * gate.transpose(0, 1)
    assert_close(effective_pattern(model, prompt(), 1).pattern.nan_to_num(), pattern, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("name", ["gated", "differential"])
def test_a_hook_on_the_pattern_leaves_the_gate_in_it(family: str, name: str) -> None:
    model: Any = hooked(attached(family, name))
    plain = effective_pattern(model, prompt(), 1).pattern
    model.add_hook("blocks.1.attn.hook_pattern", lambda pattern, hook: pattern)
    assert_close(effective_pattern(model, prompt(), 1).pattern, plain, equal_nan=True, rtol=1e-4, atol=1e-5)


def test_every_variant_is_among_those_kernels() -> None:
    assert {spec.variant for spec in SPECS.values()} == {*VARIANTS}


def test_with_temperatures_frozen_it_is_the_jacobian_of_a_head_s_output() -> None:
    model: Any = hooked(attached("llama", "selective"))
    kept: dict[str, Tensor] = {}
    hooks: list[Any] = [
        ("blocks.1.attn.hook_temperature_v", lambda value, hook: value.detach()),
        ("blocks.1.attn.v.hook_out", keeping(kept, "v")),
        ("blocks.1.attn.hook_z", keeping(kept, "z")),
    ]
    model.run_with_hooks(torch.tensor([prompt().ids]), fwd_hooks=hooks)
    [gradient] = torch.autograd.grad(kept["z"][0, LAST, 3].sum(), kept["v"])
    of_head = gradient.reshape(LENGTH, 2, -1)[:, 1]
    ours = effective_pattern(model, prompt(), 1, head=3, queries=[LAST]).pattern[0, 0]
    assert_close(of_head, ours[:, None].expand_as(of_head), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", GATED)
def test_with_gates_and_norms_it_is_the_jacobian_along_what_the_head_writes_of_the_token(family: str) -> None:
    call = first_call(hybrid(family))
    assert call.read is not None
    mixing = layer_mixing(call)
    values, W_O = mixing.values, output_weights(call.place, mixing.heads)[2]
    written = values[:, 2] @ W_O
    read = call.read[0].reshape(values.shape)[LAST, 2]
    # (∂read/∂v_s v_s) · W_O u_s, key by key: the gradient of read · W_O u_s at v_s, along v_s.
    along = torch.stack([gradient_of_values(call, read @ (W_O @ u))[at, 2] for at, u in enumerate(written)])
    expected = (along * values[:, 2]).sum(-1) / written.square().sum(-1)
    ours = effective_pattern(hybrid(family), prompt(), 0, head=2, queries=[LAST])
    assert_close(ours.pattern[0, 0], expected, rtol=1e-5, atol=1e-5)
    assert ours.kind == MIXERS[family] and not torch.equal(ours.pattern, ours.mixing)


def test_an_output_gate_of_attention_is_in_it() -> None:
    model, kept = hybrid("qwen3_next"), dict[str, Tensor]()
    hooks: list[Any] = [
        ("blocks.1.attn.hook_v", keeping(kept, "v")),
        ("blocks.1.attn.o.hook_in", keeping(kept, "read")),
    ]
    model.run_with_hooks(torch.tensor([prompt().ids]), fwd_hooks=hooks)
    weights = head_weights(model)
    W_O, values = weights.W_O[weights.of_head(1, 3)], kept["v"][0].reshape(LENGTH, 2, -1)[:, 1].detach()
    written, read = values @ W_O, kept["read"][0].reshape(LENGTH, 4, -1)[LAST, 3]
    gradients = [torch.autograd.grad(read @ (W_O @ u), kept["v"], retain_graph=True)[0] for u in written]
    along = torch.stack([of.reshape(LENGTH, 2, -1)[at, 1] for at, of in enumerate(gradients)])
    ours = effective_pattern(model, prompt(), 1, head=3, queries=[LAST])
    assert_close(ours.pattern[0, 0], (along * values).sum(-1) / written.square().sum(-1), rtol=1e-5, atol=1e-6)
    assert_close(ours.mixing.sum(-1), torch.ones(1, 1))
    assert (ours.pattern.abs() < ours.mixing.abs()).all()  # a gate is between 0 and 1


def test_its_mixing_gives_the_output_of_a_mixer() -> None:
    mixing = layer_mixing(first_call(hybrid("qwen3_next")))
    ours = effective_pattern(hybrid("qwen3_next"), prompt(), 0).mixing.nan_to_num()
    assert mixing.output is not None
    assert_close(torch.einsum("hts,she->the", ours, mixing.values), mixing.output, rtol=1e-5, atol=1e-6)


def test_rows_and_heads_are_those_that_were_asked_for() -> None:
    whole = effective_pattern(hybrid("bamba"), prompt(), 2)
    part = effective_pattern(hybrid("bamba"), prompt(), 2, head=1, queries=[8, 3])
    assert_close(part.pattern, whole.pattern[1:2, [8, 3]], equal_nan=True)
    assert part.labels["head"] == ("L2H1",) and part.labels["query"] == ("13", "18")
    assert whole.pattern[0].isnan().equal(torch.ones(LENGTH, LENGTH).triu(1).bool())


def test_it_is_drawn_and_tabled() -> None:
    result = effective_pattern(hybrid("bamba"), prompt(), 2, queries=[8, 3])
    assert len(result.figure().data) == 4 and result.about.title == "Effective pattern of layer 2 (Mamba-2)"
    assert result.to_frame()[["head_label", "query_label"]].iloc[-1].tolist() == ["L2H3", "18"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"layer": 9}, "layer 9 was asked for; how tokens are mixed is known of the layers 0, 1, 2, 3"),
        ({"layer": 0, "head": 4}, "L0H4 was asked for; layer 0 has heads 0 to 3"),
        ({"layer": 0, "queries": [9]}, "query 9 was asked for; the prompt has positions 0 to 8"),
        ({"layer": 0, "queries": []}, "no query was asked for; the prompt has positions 0 to 8"),
    ],
)
def test_what_is_not_there_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        effective_pattern(hybrid("bamba"), prompt(), **asked)


def test_a_layer_whose_mixing_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 2 was asked for; how tokens are mixed is known of the layers 0, 1, 3"):
        effective_pattern(hybrid("nemotron_h"), prompt(), 2)


def test_a_mixer_that_computes_something_else_is_refused() -> None:
    mixing = layer_mixing(first_call(hybrid("bamba")))
    assert mixing.output is not None
    other = replace(mixing, output=mixing.output * 1.01)
    with pytest.raises(ValueError, match="Mamba-2 of this model is not the one that is known"):
        other.mixing(slice(0, 1), torch.tensor([LAST]))


def test_it_says_how_much_of_a_row_points_elsewhere_than_what_the_head_writes() -> None:
    mixing = layer_mixing(first_call(hybrid("qwen3_next")))
    ours = effective_pattern(hybrid("qwen3_next"), prompt(), 0, head=1, queries=[LAST])
    assert mixing.gate is not None
    values, W_O = mixing.values[:, 1], mixing.gate.W_O[1]
    reaching = ours.mixing[0, 0, :, None] * ((mixing.gate.entries[LAST, 1] * values) @ W_O)
    said = ours.pattern[0, 0, :, None] * (values @ W_O)
    assert_close(ours.along[0, 0], said.square().sum() / reaching.square().sum(), rtol=1e-4, atol=1e-6)
    assert_close(((reaching - said) * said).sum(-1), torch.zeros(LENGTH), atol=1e-5, rtol=0)
    assert torch.equal(effective_pattern(hybrid("bamba"), prompt(), 1).along, torch.ones(4, LENGTH))
