"""Hooked models: their hooks are true and causal, for every variant in every family."""

import pytest
import torch
from hooked_cases import (
    D_HEAD,
    D_MODEL,
    GROUPED,
    LAYER,
    N_HEADS,
    N_LAYERS,
    PARALLEL,
    case,
    close,
    distance_of_roundings,
    kv_heads,
    per_query_head,
    visible,
    weighed,
)
from tiny_decoders import EVERY, PAIRS, SPECS, attached, random_ids

from headscope.models.hooked import hooked

TEMPERED = {
    "selective": "qv",
    "selective paper_code": "q",
    "selective queries": "q",
    "selective values": "v",
    "gated by element": "qv",
}
every_family = pytest.mark.parametrize("family", EVERY)
every_pair = pytest.mark.parametrize(("family", "name"), PAIRS)
few_pairs = pytest.mark.parametrize(("family", "name"), [pair for pair in PAIRS if pair[1] in ("cog", "selective")])
every_spec = pytest.mark.parametrize("name", SPECS)


@every_pair
def test_the_logits_are_those_of_the_plain_model(family: str, name: str) -> None:
    close(case(family, name).logits, case(family, name).plain_logits)


@every_pair
def test_left_padding_is_invisible(family: str, name: str) -> None:
    told = case(family, name)
    alone = told.bridge(told.batch["input"][:1, 4:])
    close(told.logits[:1, 4:], alone)


@every_pair
def test_pattern_times_values_is_z(family: str, name: str) -> None:
    told = case(family, name)
    mixed = torch.einsum("bhqk,bkhd->bqhd", told.value("hook_pattern"), per_query_head(told.value("hook_v")))
    has_gate = told.bridge.blocks[1].attn.layer.has_factor
    close(told.value("hook_z"), mixed * told.value("hook_gate") if has_gate else mixed, atol=1e-5)


@every_pair
def test_head_results_sum_to_the_attention_output(family: str, name: str) -> None:
    told = case(family, name)
    bias = told.bridge.blocks[1].attn.b_O
    total = told.value("hook_result").sum(2) + (0 if bias is None else bias)
    factor = getattr(told.bridge.cfg, "residual_multiplier", None) or 1.0  # Granite's results are what it adds
    close(told.value("hook_out") * factor, total, atol=1e-5)


@every_pair
def test_the_pattern_is_the_variant_of_the_scores(family: str, name: str) -> None:
    told = case(family, name)
    close(told.value("hook_pattern"), told.weighed(told.value("hook_attn_scores")), atol=1e-6)


@every_pair
def test_edited_scores_make_the_pattern_and_change_the_logits(family: str, name: str) -> None:
    told = case(family, name)
    scores = told.value("hook_attn_scores")
    moved = scores + torch.linspace(-2, 2, 12) * visible(scores)
    logits, cache = told.rerun("hook_attn_scores", lambda scores: moved)
    close(cache[f"{LAYER}.hook_pattern"], told.weighed(moved), atol=1e-6)
    assert told.changed(logits) > 1e-2


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@every_spec
@pytest.mark.parametrize("hidden", [float("-inf"), torch.finfo(torch.float32).min])
def test_a_score_set_to_minus_infinity_is_hidden(family: str, name: str, hidden: float) -> None:
    told = case(family, name)
    _, cache = told.rerun("hook_attn_scores", lambda s: s.index_fill(-1, torch.tensor([5]), hidden))
    pattern = cache[f"{LAYER}.hook_pattern"]
    assert pattern[..., 5].abs().max() == 0
    assert pattern.isfinite().all()


@every_pair
def test_an_edited_pattern_changes_the_logits(family: str, name: str) -> None:
    told = case(family, name)
    logits, cache = told.rerun("hook_pattern", lambda pattern: 2 * pattern.flip(-1))
    close(cache[f"{LAYER}.hook_pattern"], 2 * told.value("hook_pattern").flip(-1), atol=0)
    assert told.changed(logits) > 1e-2


@few_pairs
@pytest.mark.parametrize("hook", ["hook_q", "hook_k", "hook_v", "hook_z", "hook_result"])
def test_an_edited_activation_changes_the_logits(family: str, name: str, hook: str) -> None:
    told = case(family, name)
    logits, cache = told.rerun(hook, lambda activation: 2 * activation.flip(-1))
    close(cache[f"{LAYER}.{hook}"], 2 * told.value(hook).flip(-1))
    assert told.changed(logits) > 1e-2


@every_pair
def test_hooks_have_the_shapes_of_transformer_lens(family: str, name: str) -> None:
    told = case(family, name)
    kv = kv_heads(family)
    shapes = {
        "hook_q": (2, 12, N_HEADS, D_HEAD),
        "hook_k": (2, 12, kv, D_HEAD),
        "hook_v": (2, 12, kv, D_HEAD),
        "hook_attn_scores": (2, N_HEADS, 12, 12),
        "hook_pattern": (2, N_HEADS, 12, 12),
        "hook_z": (2, 12, N_HEADS, D_HEAD),
        "hook_result": (2, 12, N_HEADS, D_MODEL),
        "hook_out": (2, 12, D_MODEL),
    }
    assert {hook: tuple(told.value(hook).shape) for hook in shapes} == shapes


@every_family
def test_the_residual_stream_adds_up(family: str) -> None:
    cache = case(family, "cog").cache
    before, attention, after = (
        cache[f"blocks.1.{hook}"] for hook in ("hook_resid_pre", "hook_attn_out", "hook_resid_post")
    )
    mlp = cache["blocks.1.hook_mlp_out"]
    close(before + attention + mlp, after)
    if family not in PARALLEL:  # no point lies between attention and MLP there
        close(before + attention, cache["blocks.1.hook_resid_mid"])


@every_family
def test_cogformer_is_softmax_in_its_first_and_last_layer(family: str) -> None:
    cache = case(family, "cogformer").cache
    negative = [bool((cache[f"blocks.{layer}.attn.hook_pattern"] < 0).any()) for layer in range(N_LAYERS)]
    assert negative == [False, True, False]


@every_family
def test_softmax_scores_come_before_the_softmax(family: str) -> None:
    told = case(family, "softmax")
    scores, pattern = told.value("hook_attn_scores"), told.value("hook_pattern")
    seen = visible(scores)
    assert (scores[seen] < 0).any()
    close(pattern, scores.softmax(-1) * seen, atol=1e-6)


@every_pair
def test_temperatures_are_there_where_they_were_learned(family: str, name: str) -> None:
    told = case(family, name)
    names = [key for key in told.cache if key.startswith(f"{LAYER}.hook_temperature")]
    shown = {key.rpartition(".")[2]: tuple(told.cache[key].shape) for key in names}
    assert shown == {f"hook_temperature_{part}": (2, 1, 12) for part in TEMPERED.get(name, "")}


@every_family
def test_a_query_temperature_multiplies_the_scores_of_its_row(family: str) -> None:
    told = case(family, "selective")
    logits, cache = told.rerun("hook_temperature_q", lambda tau: 3 * tau)
    seen, cap = visible(told.value("hook_attn_scores")), told.bridge.blocks[1].attn.layer.soft_cap
    before, after = told.value("hook_attn_scores")[seen], cache[f"{LAYER}.hook_attn_scores"][seen]
    tripled = 3 * before if cap is None else cap * torch.tanh(3 * torch.atanh(before / cap))
    close(after, tripled, atol=1e-3)
    assert told.changed(logits) > 1e-2


@every_family
def test_a_value_temperature_multiplies_the_values_that_are_mixed(family: str) -> None:
    told = case(family, "selective")
    factor = torch.linspace(0.5, 3, 12)
    logits, cache = told.rerun("hook_temperature_v", lambda tau: factor * tau)
    close(cache[f"{LAYER}.hook_v"], factor[:, None, None] * told.value("hook_v"))
    projected = told.value("v.hook_out") * told.value("hook_temperature_v").transpose(1, 2)[..., None]
    close(told.value("hook_v"), projected, atol=1e-5)
    assert told.changed(logits) > 1e-2


@pytest.mark.parametrize("family", GROUPED)
def test_pattern_times_the_ov_circuit_is_the_head_result(family: str) -> None:
    told = case(family, "cog")
    read = torch.einsum("bkm,hmn->bkhn", told.value("hook_in"), told.bridge.OV.AB[1])
    close(told.value("hook_result"), torch.einsum("bhqk,bkhn->bqhn", told.value("hook_pattern"), read))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("name", ["cog", "selective"])
def test_the_helpers_of_the_activation_cache_work(family: str, name: str) -> None:
    told = case(family, name)
    heads = told.cache.stack_head_results(layer=1)
    close(heads.sum(0), told.cache["blocks.0.attn.hook_result"].sum(2))
    parts = told.cache.decompose_resid(apply_ln=False)
    close(parts.sum(0), told.cache["blocks.2.hook_resid_post"])
    attributed = told.cache.logit_attrs(parts, tokens=7, incorrect_tokens=8, has_batch_dim=True)
    assert tuple(attributed.shape) == (len(parts), 2, 12)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_part_of_the_positions_can_be_cached(family: str) -> None:
    told = case(family, "selective")
    _, last = told.bridge.run_with_cache(**told.batch, pos_slice=-1)
    close(last[f"{LAYER}.hook_temperature_q"].squeeze(-1), told.value("hook_temperature_q")[..., -1])


@every_family
def test_separate_inputs_of_q_k_and_v_change_nothing(family: str) -> None:
    bridge, ids = hooked(attached(family, "selective")), random_ids()
    before = bridge(ids)
    bridge.set_use_split_qkv_input(True)
    close(bridge(ids), before)


@every_pair
def test_a_half_precision_model_says_what_the_plain_one_says(family: str, name: str) -> None:
    exact, half, ids = attached(family, name), attached(family, name).bfloat16(), random_ids()
    plain = half(ids).logits
    logits = hooked(half)(ids)
    assert logits.dtype == torch.bfloat16
    assert distance_of_roundings(logits, plain, exact(ids).logits) <= 2**0.5


@every_pair
def test_scores_and_pattern_of_a_half_precision_model_are_float32(family: str, name: str) -> None:
    bridge = hooked(attached(family, name).bfloat16())
    _, cache = bridge.run_with_cache(random_ids())
    scores, pattern = (cache[f"{LAYER}.{hook}"] for hook in ("hook_attn_scores", "hook_pattern"))
    assert scores.dtype == pattern.dtype == torch.float32
    close(pattern, weighed(bridge, cache, scores), atol=0)


def test_the_scores_of_a_half_precision_model_are_products_in_float32() -> None:
    _, cache = hooked(attached("gpt2", "cog").bfloat16()).run_with_cache(random_ids())
    q, k = (cache[f"{LAYER}.{hook}"].float().transpose(1, 2) for hook in ("hook_q", "hook_k"))
    scores = cache[f"{LAYER}.hook_attn_scores"]
    close(scores[visible(scores)], (q @ k.mT * D_HEAD**-0.5)[visible(scores)], atol=1e-5)


@every_pair
def test_double_precision_stays_double(family: str, name: str) -> None:
    plain, ids = attached(family, name).double(), random_ids()
    expected = plain(ids).logits
    logits, cache = hooked(plain).run_with_cache(ids)
    assert cache[f"{LAYER}.hook_attn_scores"].dtype == cache[f"{LAYER}.hook_pattern"].dtype == torch.float64
    close(
        logits, expected, atol=1e-5 if family in ("glm", "glm4") else 1e-10
    )  # transformer-lens rotates these in float32
