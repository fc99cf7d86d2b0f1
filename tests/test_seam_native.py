"""Models whose own attention is beyond softmax open with their true pattern, and a hook shows what stands beside it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_decoders import tiny_decoder
from tiny_natives import GATED, Native, native, native_folder
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from headscope import AttentionSpec, attach, detach, load, save
from headscope.interp.families.trial import tiny_random_model
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import hooked
from headscope.models.hosts.attachment import attachment_of, spec_of

NATIVE = (*GATED, "llama4_text", "gpt_oss", "diffllama")
every_native = pytest.mark.parametrize("family", NATIVE)
every_gated = pytest.mark.parametrize("family", GATED)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("native")
    return lambda family: native_folder(family, root)


@every_native
def test_a_folder_gives_the_logits_that_transformers_gives(family: str, opened: Any) -> None:
    model: Native = opened(family)
    assert_close(model.logits, model.plain_logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", [name for name in NATIVE if name != "diffllama"])  # whose maps transformers gives
def test_the_pattern_is_the_one_that_transformers_computes(family: str, opened: Any) -> None:
    model: Native = opened(family)
    theirs = [pattern for pattern in model.attentions if pattern is not None]
    for layer, pattern in zip(model.layers, theirs, strict=True):
        assert_close(model.held(layer, "hook_pattern"), pattern, atol=1e-5, rtol=0)


@every_native
@pytest.mark.parametrize("hook", ["hook_pattern", "hook_attn_scores"])
def test_an_edit_of_any_layer_reaches_the_logits(family: str, hook: str, opened: Any) -> None:
    model: Native = opened(family)
    moved = [
        (model.edited(layer, hook, lambda value: value * 0.5) - model.logits).abs().max() for layer in model.layers
    ]
    assert min(moved) > 1e-4


@pytest.mark.parametrize("family", [*GATED, "diffllama"])
def test_what_goes_into_the_output_projection_is_the_mixed_values_times_the_gate(family: str, opened: Any) -> None:
    model: Native = opened(family)
    for layer in model.layers:
        assert_close(model.mixed(layer) * model.held(layer, "hook_gate"), model.held(layer, "hook_z"))


def test_the_gate_is_the_sigmoid_of_the_second_half_of_each_head_s_query(opened: Any) -> None:
    model: Native = opened("qwen3_next")
    hidden = model.held(1, "hook_in")
    fused = model.plain.model.layers[1].self_attn.q_proj(hidden).unflatten(-1, (4, 16))
    assert_close(model.held(1, "hook_gate"), fused[..., 8:].sigmoid())


@torch.no_grad()
def test_a_gate_that_is_set_to_one_is_the_model_without_it(opened: Any) -> None:
    model: Native = opened("qwen3_next")
    without: Any = native("qwen3_next")
    attention = without.model.layers[3].self_attn
    attention.q_proj.weight.view(4, 2, 8, -1)[:, 1] = 0  # gates of one half
    attention.o_proj.weight *= 2
    assert_close(model.edited(3, "hook_gate", torch.ones_like), without(model.ids).logits, atol=1e-5, rtol=0)


@every_gated
def test_a_gate_is_there_where_nothing_is_mixed(family: str, opened: Any) -> None:
    model: Native = opened(family)
    layer, gates = model.layers[0], list[torch.Tensor]()
    hooks = [("hook_pattern", torch.zeros_like), ("hook_gate", lambda gate: gates.append(gate) or gate)]
    model.bridge.run_with_hooks(
        model.ids, fwd_hooks=[(f"blocks.{layer}.attn.{name}", lambda value, hook, f=f: f(value)) for name, f in hooks]
    )
    assert_close(gates[0], model.held(layer, "hook_gate"))


@torch.no_grad()
def test_another_variant_is_under_the_gate(opened: Any) -> None:
    bridge: Any = hooked(attach(native("qwen3_next"), AttentionSpec("cog")))
    _, cache = bridge.run_with_cache(ids := opened("qwen3_next").ids)
    assert (cache["blocks.1.attn.hook_pattern"] < 0).any()
    halved = [("blocks.1.attn.hook_gate", lambda gate, hook: gate * 0)]
    emptied = [("blocks.1.attn.hook_z", lambda z, hook: z * 0)]
    assert_close(bridge.run_with_hooks(ids, fwd_hooks=halved), bridge.run_with_hooks(ids, fwd_hooks=emptied))


def test_chunks_and_layers_without_rotation_are_seen_as_they_are(opened: Any) -> None:
    model: Native = opened("llama4_text")
    position = torch.arange(11)
    causal, chunk = position[:, None] >= position, position[:, None] // 4 == position // 4
    for layer, visible in ((0, causal & chunk), (1, causal)):
        assert torch.equal(model.held(layer, "hook_pattern")[0, 0] > 0, visible)
        assert torch.equal(model.held(layer, "hook_attn_scores")[0, 0] > -1e30, visible)


def test_a_temperature_by_position_is_a_hook_of_the_layers_that_have_one(opened: Any) -> None:
    model: Native = opened("llama4_text")
    assert "blocks.0.attn.hook_query_scale" not in model.cache
    tau = 1 + 0.7 * torch.log1p((torch.arange(11) + 1.0).div(3).floor())
    assert_close(model.held(1, "hook_query_scale"), tau.expand(2, 1, 11))


def test_a_temperature_of_one_gives_the_scores_without_it(opened: Any) -> None:
    model: Native = opened("llama4_text")
    scores = list[torch.Tensor]()
    hooks = [
        ("blocks.1.attn.hook_query_scale", lambda scale, hook: scale.fill_(1)),  # in place, as hooks may
        ("blocks.1.attn.hook_attn_scores", lambda value, hook: scores.append(value)),
    ]
    logits = model.bridge.run_with_hooks(model.ids, fwd_hooks=hooks)
    seen = (held := model.held(1, "hook_attn_scores")) > -1e30
    assert_close((scores[0] * model.held(1, "hook_query_scale")[..., None])[seen], held[seen])
    without: Any = native("llama4_text")
    without.model.layers[1].self_attn.attn_temperature_tuning = False
    with torch.no_grad():
        assert_close(logits, without(model.ids).logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_half_precision_keeps_both_factors(opened: Any) -> None:
    for family, layer, name in (("qwen3_next", 1, "hook_gate"), ("llama4_text", 1, "hook_query_scale")):
        half = hooked(native(family).to(torch.bfloat16))
        _, cache = half.run_with_cache(opened(family).ids)
        assert_close(cache[f"blocks.{layer}.attn.{name}"].float(), opened(family).held(layer, name), atol=0.1, rtol=0.1)


def test_an_mlp_of_experts_adds_to_the_residual_position_by_position(opened: Any) -> None:
    model: Native = opened("llama4_text")
    before, added, after = (model.cache[f"blocks.1.hook_{name}"] for name in ("resid_mid", "mlp_out", "resid_post"))
    assert_close(before + added, after, atol=1e-5, rtol=1e-5)


def test_what_a_row_leaves_is_the_weight_of_the_sink_s_logit(opened: Any) -> None:
    model: Native = opened("gpt_oss")
    for layer in model.layers:
        sink = model.held(layer, "hook_sink")
        assert_close(sink, model.plain.model.layers[layer].self_attn.sinks.detach()[None, :, None].expand_as(sink))
        whole = torch.cat([model.held(layer, "hook_attn_scores"), sink[..., None]], -1).softmax(-1)
        assert_close(1 - model.held(layer, "hook_pattern").sum(-1), whole[..., -1])


@torch.no_grad()
def test_a_sink_of_minus_infinity_is_softmax(opened: Any) -> None:
    model: Native = opened("gpt_oss")
    without: Any = deepcopy(model.plain)
    without.model.layers[0].self_attn.sinks.fill_(-1e9)
    edited = model.edited(0, "hook_sink", lambda sink: sink.fill_(-torch.inf))
    assert_close(edited, without(model.ids).logits, atol=1e-5, rtol=0)


def test_a_sink_stays_the_module_s_own(opened: Any, tmp_path: Path) -> None:
    model: Native = opened("gpt_oss")
    carrier: Any = attach(deepcopy(model.plain), AttentionSpec("softmax"))
    assert spec_of(carrier) == AttentionSpec("sink")
    assert set(carrier.state_dict()) == set(model.plain.state_dict())
    save(model.bridge, tmp_path / "again")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "again").eval()
    with torch.no_grad():
        assert_close(again(model.ids).logits, model.plain_logits)
        assert_close(load(tmp_path / "again")(model.ids), model.logits)
        assert_close(detach(carrier)(model.ids).logits, model.plain_logits)


def test_a_sink_learns_under_its_own_name_and_in_a_copy(opened: Any) -> None:
    model: Native = opened("gpt_oss")
    plain: Any = deepcopy(model.plain)
    carrier: Any = deepcopy(attach(deepcopy(plain), AttentionSpec("softmax")))
    for each in (plain, carrier):
        each(model.ids, labels=model.ids).loss.backward()
    mine, theirs = (each.model.layers[0].self_attn.sinks.grad for each in (carrier, plain))
    assert theirs.abs().max() > 1e-6
    assert_close(mine, theirs, atol=1e-6, rtol=1e-4)


def test_what_would_lose_a_sink_is_refused_and_the_model_left_as_it_was(opened: Any) -> None:
    plain: Any = deepcopy(opened("gpt_oss").plain)
    with pytest.raises(ValueError, match=r"GptOssAttention learned 'sinks' of its own, which cog does not weigh with"):
        attach(plain, AttentionSpec("cog", layers=[1]))
    assert attachment_of(plain) is None and not hasattr(plain.model.layers[0].self_attn, "variant")


@torch.no_grad()
def test_layers_without_a_sink_take_any_variant() -> None:
    model: Any = native("mimo_v2_flash")  # the second layer alone has sinks
    before = model(ids := torch.tensor([[3, 5, 8, 13]])).logits
    assert spec_of(attach(model, AttentionSpec("softmax"))) == AttentionSpec("sink", layers=(1,))
    assert_close(model(ids).logits, before, atol=1e-5, rtol=0)
    attach(model, AttentionSpec("cog", layers=[0]))
    assert [layer.self_attn.variant.variant.name for layer in model.model.layers] == ["cog", "sink"]


@torch.no_grad()
def test_a_sink_that_headscope_put_in_has_the_hook_too() -> None:
    bridge: Any = hooked(attach(tiny_decoder("llama"), AttentionSpec("sink", bias=0.5)))
    ids = torch.tensor([[3, 5, 8, 13]])
    logits, cache = bridge.run_with_cache(ids)
    assert_close(cache["blocks.1.attn.hook_sink"], torch.full((1, 4, 4), 0.5))
    heavy = [("blocks.1.attn.hook_sink", lambda sink, hook: sink + 9)]
    bridge.add_hook("blocks.1.attn.hook_pattern", lambda pattern, hook: rest.append(1 - pattern.sum(-1)))
    rest = list[torch.Tensor]()
    assert (bridge.run_with_hooks(ids, fwd_hooks=heavy) - logits).abs().max() > 1e-4
    assert rest[0].min() > 0.9


def test_both_heads_of_a_pair_weigh_by_the_difference_of_their_maps(opened: Any) -> None:
    model: Native = opened("diffllama")
    for layer, maps in enumerate(model.attentions):
        first, second = maps.chunk(2, 1)
        lambda_full = model.held(layer, "hook_lambda")
        assert_close(model.held(layer, "hook_pattern"), (first - lambda_full * second).repeat(1, 2, 1, 1))
    assert (model.held(0, "hook_pattern") < 0).any()


@torch.no_grad()
def test_a_lambda_of_zero_leaves_the_first_map(opened: Any) -> None:
    model: Native = opened("diffllama")
    patterns = list[torch.Tensor]()
    hooks = [("hook_lambda", torch.zeros_like), ("hook_pattern", lambda value: patterns.append(value) or value)]
    model.bridge.run_with_hooks(
        model.ids, fwd_hooks=[(f"blocks.0.attn.{name}", lambda value, hook, f=f: f(value)) for name, f in hooks]
    )
    assert_close(patterns[0], model.attentions[0][:, :2].repeat(1, 2, 1, 1), atol=1e-5, rtol=1e-5)


def test_the_norm_of_a_pair_is_its_gate(opened: Any) -> None:
    model: Native = opened("diffllama")
    attention = model.plain.model.layers[1].self_attn
    pairs = torch.cat(model.mixed(1).chunk(2, 2), -1)
    normed = (1 - attention.lambda_init) * attention.groupnorm(pairs)
    assert_close(torch.cat(model.held(1, "hook_z").chunk(2, 2), -1), normed, atol=1e-5, rtol=1e-5)


def test_what_each_head_of_a_pair_writes_is_read_of_its_own_rows(opened: Any) -> None:
    model: Native = opened("diffllama")
    weights = head_weights(model.bridge)
    written = torch.einsum("bqhd,hdm->bqm", model.held(1, "hook_z"), weights.W_O[1])
    assert_close(written, model.held(1, "hook_out"), atol=1e-5, rtol=1e-4)
    assert not weights.misread


@torch.no_grad()
def test_a_cache_gives_a_differential_model_the_same(opened: Any) -> None:
    model: Native = opened("diffllama")
    carrier: Any = attach(deepcopy(model.plain), AttentionSpec("softmax"))
    first = carrier(model.ids[:, :6], use_cache=True)
    rest = carrier(model.ids[:, 6:], past_key_values=first.past_key_values, use_cache=True).logits
    assert_close(rest, model.plain_logits[:, 6:], atol=1e-5, rtol=1e-4)
    assert_close(detach(carrier)(model.ids).logits, model.plain_logits)


def test_a_gate_on_some_layers_of_a_model_with_sinks_is_on_those_alone(opened: Any) -> None:
    plain: Any = deepcopy(opened("gpt_oss").plain)
    one = attach(plain, AttentionSpec("softmax", layers=[0], gate="head"))
    sink, gated = AttentionSpec("sink", layers=[1]), AttentionSpec("sink", layers=[0], gate="head")
    assert spec_of(one).parts == (gated, sink) and spec_of(one).in_words == "gated sink and sink"
    two = attach(plain, [AttentionSpec("softmax", layers=[1], gate="element"), AttentionSpec("softmax", layers=[0])])
    assert [part.gate for part in spec_of(two).parts] == [None, "element"]
    assert spec_of(attach(plain, AttentionSpec("softmax"))) == AttentionSpec("sink")


@pytest.mark.parametrize("gate", ["head", "element"])
def test_a_second_gate_is_refused_where_the_model_has_its_own(gate: str) -> None:
    model = attach(tiny_random_model("qwen3_next"), AttentionSpec("cog", gate=gate))
    with pytest.raises(ValueError, match="in the layers 1, 3 a Qwen3NextForCausalLM has its own"):
        hooked(model)
