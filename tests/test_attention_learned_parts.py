"""Forgetting, differential and gated attention: parts made anew in every call, pairs of maps, factors of outputs."""

from decimal import Decimal, getcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from attention_cases import tensors
from tiny_decoders import EVERY, FURTHER, attached, random_ids, tiny_decoder
from tiny_families import ids_of, stirred
from torch.testing import assert_close
from transformers import DiffLlamaConfig, DynamicCache, StaticCache
from transformers.models.diffllama.modeling_diffllama import DiffLlamaAttention

from headscope import AttentionSpec, analyse, attach, attend, load, save
from headscope.interp.families.trial import tiny_random_model
from headscope.interp.reading.activations import GATE, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.attention import VARIANTS
from headscope.models.attention.variants.differential import PairNorm, lambda_init
from headscope.models.checkpoints import open_folder
from headscope.models.hooked import hooked

getcontext().prec = 50
SCORES = [[0.5, -1.25, 2.0, 0.0], [1.5, 0.75, -0.5, 3.0], [-2.0, 0.25, 1.0, 0.125], [0.0, 1.0, -1.0, 2.5]]
FORGET = [-0.125, -0.5, -0.25, -1.0]
every_part = pytest.mark.parametrize("name", FURTHER)


def exact_softmax(row: list[Decimal]) -> list[Decimal]:
    """In 50 digits."""
    powers = [score.exp() for score in row]
    return [power / sum(powers) for power in powers]


def exact_rows(scores: list[list[float]], bias: Any = lambda t, s: 0) -> torch.Tensor:
    """Causal softmax of scores + bias, in 50 digits, by the definition."""
    rows = [
        exact_softmax([Decimal(p) + bias(t, s) for s, p in enumerate(row[: t + 1])]) for t, row in enumerate(scores)
    ]
    return torch.tensor([[*map(float, row), *[0.0] * (4 - len(row))] for row in rows], dtype=torch.float64)


def pattern_of(variant: str, scores: torch.Tensor, **options: Any) -> torch.Tensor:
    eye = torch.eye(4, dtype=torch.float64).expand(1, scores.shape[0], 4, 4)
    pattern = attend(variant, scores[None], eye, eye, scale=1.0, **options).pattern
    assert pattern is not None
    return pattern[0]


def test_forgetting_weights_are_those_of_their_definition() -> None:
    exact = exact_rows(SCORES, lambda t, s: sum((Decimal(f) for f in FORGET[s + 1 : t + 1]), Decimal(0)))
    log_forget = torch.tensor(FORGET).double()[None, None, None]
    assert_close(pattern_of("forgetting", torch.tensor(SCORES).double()[None], log_forget=log_forget)[0], exact)


def test_forgetting_at_one_rate_is_a_linear_bias_and_at_none_softmax() -> None:
    q, k, v = tensors(1, 2, 7, 8)
    behind = torch.arange(7)[:, None] - torch.arange(7)
    scores = q @ k.mT * 8**-0.5 - 0.3 * behind
    expected = scores.masked_fill(behind < 0, -torch.inf).softmax(-1)
    assert_close(attend("forgetting", q, k, v, log_forget=-0.3).pattern, expected)
    assert_close(attend("forgetting", q, k, v).output, attend("softmax", q, k, v).output)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_forgetting_over_long_prompts_without_a_pattern_is_exact_in_value_and_gradient(dtype: torch.dtype) -> None:
    inputs = [x.to(dtype).requires_grad_() for x in torch.randn(3, 1, 2, 300, 16, dtype=torch.float64)]
    gate = (-torch.rand(1, 2, 1, 300, dtype=torch.float64) * 4).requires_grad_()
    both = []
    for need_pattern in (True, False):
        output = attend("forgetting", *inputs, log_forget=gate, need_pattern=need_pattern).output
        both.append([output, *torch.autograd.grad(output.float().square().sum(), [*inputs, gate])])
    tolerance = 1e-9 if dtype == torch.float64 else 0.05
    for plain, fused in zip(*both, strict=True):
        assert (plain.double() - fused.double()).norm() <= tolerance * plain.double().norm()


def test_differential_weights_are_those_of_their_definition() -> None:
    second = [row[::-1] for row in SCORES]
    exact = exact_rows(SCORES) - 0.375 * exact_rows(second)
    pattern = pattern_of("differential", torch.tensor([SCORES, second]).double(), lambda_full=0.375)
    assert_close(pattern, exact.expand(2, 4, 4))


@pytest.mark.parametrize("need_pattern", [True, False])
def test_differential_attention_is_that_of_transformers(need_pattern: bool) -> None:
    torch.manual_seed(0)
    config = DiffLlamaConfig(hidden_size=32, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=2)
    config._attn_implementation = "eager"
    module, hidden = DiffLlamaAttention(config, layer_idx=1).eval(), torch.randn(2, 6, 32)
    still = torch.ones(2, 6, 8), torch.zeros(2, 6, 8)
    mask = torch.full((6, 6), -torch.inf).triu(1)[None, None]
    expected = module(hidden, still, attention_mask=mask)[0]
    q, k, v = (f(hidden).unflatten(-1, (-1, 8)).transpose(1, 2) for f in (module.q_proj, module.k_proj, module.v_proj))
    vectors = {name: getattr(module, name) for name in ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2")}
    lambda_full = (
        (vectors["lambda_q1"] @ vectors["lambda_k1"]).exp()
        - (vectors["lambda_q2"] @ vectors["lambda_k2"]).exp()
        + module.lambda_init
    )
    output = attend("differential", q, k, v, lambda_full=lambda_full, need_pattern=need_pattern).output
    assert module.lambda_init == pytest.approx(lambda_init({"lambda_init": None}, 1))
    output = output * PairNorm(module.lambda_init)(output)
    pairs = output.unflatten(1, (2, 2)).permute(0, 3, 2, 1, 4).flatten(2)  # transformers has a pair's heads together
    assert_close(module.o_proj(pairs), expected, atol=1e-5, rtol=1e-5)


@every_part
def test_what_is_saved_opens_with_the_same_logits(name: str, tmp_path: Path) -> None:
    model, ids = attached("llama", name), random_ids()
    opened: Any = load(save(model, tmp_path / "model"))
    assert opened.attention_spec == FURTHER[name]
    assert_close(opened(ids), model(ids).logits, atol=1e-4, rtol=0)


@every_part
@pytest.mark.parametrize("family", ["olmo2", "opt", "mixtral"])
@torch.no_grad()
def test_families_that_no_list_has_take_them_too(family: str, name: str) -> None:
    model, ids = stirred(attach(tiny_random_model(family), FURTHER[name])), ids_of()
    plain = model(ids).logits
    first = model(ids[:, :5], use_cache=True)
    rest = model(ids[:, 5:], past_key_values=first.past_key_values, use_cache=True).logits
    assert_close(rest, plain[:, 5:], atol=1e-4, rtol=1e-4)
    bridge: Any = hooked(model)
    logits, cache = bridge.run_with_cache(ids)
    assert_close(logits, plain, atol=1e-4, rtol=0)
    layer = bridge.blocks[1].attn.layer
    assert ("blocks.1.attn.hook_gate" in cache) == layer.has_factor
    for part in [*(["gate"] if layer.has_factor else []), *layer.reads_hidden]:
        hook = (f"blocks.1.attn.hook_{part}", lambda value, hook: value * 0.5)
        assert (bridge.run_with_hooks(ids, fwd_hooks=[hook]) - plain).abs().max() > 1e-4


@pytest.mark.parametrize("family", ["gpt2", "llama", "gpt_neox"])
@torch.no_grad()
def test_a_gate_that_a_hook_opens_is_none(family: str) -> None:
    model, ids = tiny_decoder(family), random_ids()
    plain = attach(model, AttentionSpec("cog"))(ids).logits
    gated = attach(model, AttentionSpec("cog", gate="head"))
    assert (gated(ids).logits - plain).abs().max() > 1e-3
    hooks = [(f"blocks.{layer}.attn.hook_gate", lambda gate, hook: torch.ones_like(gate)) for layer in range(3)]
    bridge: Any = hooked(gated)
    _, cache = bridge.run_with_cache(ids)
    assert_close(cache["blocks.1.attn.hook_gate"], torch.full((2, 12, 4, 1), 0.5))
    assert_close(bridge.run_with_hooks(ids, fwd_hooks=hooks), plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
@torch.no_grad()
def test_a_mix_of_attentions_runs_is_hooked_and_saved_layer_by_layer(family: str, tmp_path: Path) -> None:
    parts = [AttentionSpec("cog", layers=[0]), AttentionSpec("selective", layers=[-1], gate="head")]
    model = stirred(attach(tiny_decoder(family) if family in EVERY else tiny_random_model(family), parts))
    ids, numbers = ids_of(), range(model.config.num_hidden_layers)
    plain = model(ids).logits
    bridge: Any = hooked(open_folder(save(model, tmp_path / "model")).model)
    assert_close(bridge(ids), plain, atol=1e-4, rtol=0)
    carried = [bridge.blocks[number].attn.layer.variant.name for number in numbers]
    assert carried == ["cog", *["softmax"] * (len(numbers) - 2), "selective"]
    facts = model_facts(bridge)
    assert facts.layer_variants == tuple(carried) and not facts.non_negative and facts.learns_temperatures


@torch.no_grad()
def test_a_cache_of_a_fixed_length_is_refused() -> None:
    model, ids = attached("llama", "forgetting"), random_ids()
    with pytest.raises(ValueError, match="kept in a DynamicCache; got a StaticCache"):
        model(ids, past_key_values=StaticCache(config=model.config, max_cache_len=20), use_cache=True)


@pytest.mark.parametrize(
    ("variant", "options", "message"),
    [
        ("forgetting", {"log_forget": 0.5}, "log_forget is ln f of a gate, 0 or less, got 0.5"),
        ("forgetting", {"learned": 1}, "learned is true or false, got 1"),
        ("differential", {"lambda_init": "deep"}, "lambda_init is a finite number, or None for one by depth"),
        ("cog", {"gate": "layer"}, "gate is 'head', 'element', or None for none; got 'layer'"),
    ],
)
def test_impossible_options_are_refused(variant: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AttentionSpec(variant, **options)


def test_an_odd_head_has_no_partner() -> None:
    with pytest.raises(ValueError, match="the difference of two heads; it cannot pair 3"):
        attend("differential", *torch.randn(3, 1, 3, 5, 8))


def test_gates_of_entries_are_read_beside_layers_that_have_none() -> None:
    model: Any = hooked(attach(tiny_decoder("llama"), AttentionSpec("softmax", layers=[1], gate="element")))
    prompt = PromptTokens((5, 17, 9), ("a", "b", "c"))
    [run] = gathered_activations(model, [prompt], [GATE])
    assert_close(run[GATE], torch.tensor([1.0, 0.5, 1.0])[:, None, None, None].expand(3, 3, 4, 8))
    assert "deletion" in analyse(model, [prompt], ["deletion"])


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_inputs_of_each_head_are_refused_where_a_gate_reads_one_of_all(family: str) -> None:
    bridge: Any = hooked(attached(family, "gated"))
    bridge.set_use_split_qkv_input(True)
    with pytest.raises(ValueError, match="use_attn_in and use_split_qkv_input give each head its own"):
        bridge(random_ids())


def test_what_a_half_precision_part_learns_of_many_tiles_is_summed_in_float32() -> None:
    q, k, bias = *torch.randn(2, 64, 4, 260, 8), torch.zeros(4)
    learned = []
    for dtype in (torch.float32, torch.bfloat16):
        leaf = bias.to(dtype).requires_grad_()
        output = attend("sigmoid", q, k, torch.ones_like(k), head_bias=leaf, need_pattern=False).output
        learned.append(torch.autograd.grad(output.sum(), leaf)[0].float())
    assert (learned[1] - learned[0]).norm() <= 2**-8 * learned[0].norm()


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_follow_their_keys_into_another_order_unless_they_read_it(variant: str) -> None:
    row, order = VARIANTS[variant], torch.randperm(9)
    given = {"forgetting": {"log_forget": -0.5}, "polynomial": {"coefficient": 0.5}}.get(variant, {})
    q, k, v = torch.randn(3, 1, 4, 9, 8, dtype=torch.float64)
    plain, moved = (attend(variant, q, *kv, causal=False, **given).pattern for kv in ((k, v), (k[:, :, order], v)))
    assert plain is not None and moved is not None
    assert torch.allclose(moved, plain[..., order]) != row.reads_order


def test_what_gates_of_entries_hide_is_left_out_of_all_that_is_asked() -> None:
    model: Any = hooked(attached("llama", "gated by element"))
    found = analyse(model, "5 17 9 5", "all")
    assert "deletion" in found and not {"suppression", "source_attribution"} & {*found}
    with pytest.raises(ValueError, match=r"suppression asks what a weight adds, and what the heads .* entry by entry"):
        analyse(model, "5 17 9 5", ["suppression"])


@torch.no_grad()
def test_a_cache_has_no_empty_layer_where_few_layers_forget() -> None:
    model = attach(tiny_decoder("llama"), AttentionSpec("forgetting", layers=[2]))
    ids, cache = random_ids(), DynamicCache()
    model(ids[:, :5], past_key_values=cache, use_cache=True)
    assert [layer.get_seq_length() for layer in cache.layers] == [5, 5, 5, 5]
    rest = model(ids[:, 5:], past_key_values=cache, use_cache=True).logits
    assert_close(rest, model(ids).logits[:, 5:], atol=1e-4, rtol=1e-4)
