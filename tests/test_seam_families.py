"""Families that no list has: any decoder that asks transformers' attention interface takes a variant, proved first."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_families import UNLISTED, ids_of, shared, unlisted
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, PreTrainedModel

from headscope import AttentionSpec, attach, load, save
from headscope.interp.families.trial import tiny_random_model
from headscope.models.hooked import hooked
from headscope.models.hosts import proof
from headscope.models.hosts.families import attention_modules, family_of
from headscope.models.hosts.proof import refuse_unproved

every_family = pytest.mark.parametrize("family", UNLISTED)


def logits(model: Any, ids: torch.Tensor, **others: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(ids, **others).logits


@every_family
def test_no_list_has_it(family: str) -> None:
    assert not family_of(family).is_listed


@every_family
def test_hooked_logits_are_the_plain_ones(family: str) -> None:
    model, ids = unlisted(family), ids_of()
    plain = logits(model, ids)
    with torch.no_grad():
        assert_close(hooked(model)(ids), plain, atol=1e-4, rtol=0)


@every_family
@torch.no_grad()
def test_the_pattern_times_the_values_is_z_and_an_edit_of_it_moves_the_logits(family: str) -> None:
    bridge: Any = hooked(unlisted(family))
    ids = ids_of(1)
    plain, cache = bridge.run_with_cache(ids)
    pattern, z = (cache[f"blocks.1.attn.{name}"] for name in ("hook_pattern", "hook_z"))
    v = cache["blocks.1.attn.hook_v"]
    v = v.repeat_interleave(pattern.shape[1] // v.shape[2], 2)
    assert_close(torch.einsum("bhqk,bkhd->bqhd", pattern, v), z, atol=1e-4, rtol=1e-4)
    edited = bridge.run_with_hooks(ids, fwd_hooks=[("blocks.1.attn.hook_pattern", lambda value, hook: value * 0.5)])
    assert (edited - plain).abs().max() > 1e-4


@every_family
def test_left_padding_changes_nothing(family: str) -> None:
    model, ids = shared(family), ids_of()
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.long), ids], 1)
    mask = torch.cat([torch.zeros(2, 3, dtype=torch.long), torch.ones_like(ids)], 1)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    from_mask = family == "opt"  # which counts positions by the mask itself
    takes = {} if from_mask else {"position_ids": positions}
    assert_close(logits(model, padded, attention_mask=mask, **takes)[:, 3:], logits(model, ids), atol=1e-4, rtol=1e-4)


@every_family
def test_a_cache_gives_the_same_step_by_step(family: str) -> None:
    model, ids = shared(family), ids_of()
    with torch.no_grad():
        first = model(ids[:, :5], use_cache=True)
        rest = model(ids[:, 5:], past_key_values=first.past_key_values, use_cache=True).logits
    assert_close(rest, logits(model, ids)[:, 5:], atol=1e-4, rtol=1e-4)


@every_family
def test_generation_takes_the_likeliest_token(family: str) -> None:
    model, ids = shared(family), ids_of(1, 6)
    text = model.generate(ids, max_new_tokens=3, do_sample=False, eos_token_id=None, pad_token_id=0)
    again = ids
    for _ in range(3):
        again = torch.cat([again, logits(model, again)[:, -1:].argmax(-1)], 1)
    assert torch.equal(text, again)


@every_family
def test_half_precision_errs_no_more_than_that_of_softmax(family: str) -> None:
    model, ids = tiny_random_model(family).to(torch.bfloat16), ids_of()
    errors = []
    for spec in (AttentionSpec("softmax"), AttentionSpec("expressive")):  # cog jumps where a score changes its sign
        half = logits(attach(model, spec).to(torch.bfloat16), ids).float()
        exact = logits(model.float(), ids)
        errors.append((half - exact).norm() / exact.norm())
    assert errors[1] < 3 * errors[0] + 0.02


@every_family
def test_a_saved_model_opens_with_equal_logits(family: str, tmp_path: Path) -> None:
    model, ids = unlisted(family, "polynomial learned"), ids_of()
    before = logits(model, ids)
    with torch.no_grad():
        assert_close(load(save(model, tmp_path / "model"))(ids), before, atol=1e-4, rtol=0)


@every_family
def test_a_folder_that_transformers_wrote_opens_with_equal_logits(family: str, tmp_path: Path) -> None:
    model, ids = tiny_random_model(family), ids_of()
    model.save_pretrained(tmp_path / "model")
    with torch.no_grad():
        assert_close(load(tmp_path / "model")(ids), logits(model, ids), atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", ["mixtral", "olmo2", "opt", "cohere", "deepseek_v3"])
@pytest.mark.parametrize("name", ["selective", "selective values", "expressive", "polynomial learned"])
def test_other_variants_are_hooked_too(family: str, name: str) -> None:
    model, ids = unlisted(family, name), ids_of()
    plain = logits(model, ids)
    bridge: Any = hooked(model)
    with torch.no_grad():
        found, cache = bridge.run_with_cache(ids)
    assert_close(found, plain, atol=1e-4, rtol=0)
    assert ("blocks.0.attn.hook_temperature_v" in cache) == name.startswith("selective")


def test_a_temperature_that_does_not_reach_its_layer_is_refused() -> None:
    model = unlisted("olmo2", "selective")
    for handle in model.attention_attachment.handles:  # type: ignore[union-attr]
        handle.remove()
    with pytest.raises(ValueError, match="temperature_q of layer 0 does not reach the attention of a Olmo2ForCausalLM"):
        refuse_unproved(model)


def test_temperatures_of_queries_want_a_projection_of_their_own() -> None:
    with pytest.raises(ValueError, match="temperatures of queries read W_Q x, and a PersimmonAttention has no"):
        unlisted("persimmon", "selective")


REFUSED = {
    "gpt_oss": "learned 'sinks' of its own, which cog does not weigh with",
    "doge": "learns 'A' beside its projections",
    "diffllama": "learned 'lambda_q1' of its own, which cog does not weigh with",
    "pegasus": "asks for the attention of model.decoder.layers.0.encoder_attn 0 times",
    "hrm_text": "asks for the attention of model.L_module.layers.0.self_attn 6 times",
    "mamba2": "a Mamba2ForCausalLM has no attention: none of its parts forms the scores",
    "bloom": "does not go through transformers' attention interface",
    "deepseek_v32": "attention was called with 'indices'",
}


@pytest.mark.parametrize("family", REFUSED)
def test_what_is_more_than_one_map_of_scores_is_refused_and_left_as_it_was(family: str) -> None:
    model = tiny_random_model(family)
    ids = ids_of()
    before = logits(model, ids)
    with pytest.raises(ValueError, match=REFUSED[family]):
        attach(model, AttentionSpec("cog"))
    assert_close(logits(model, ids), before)
    assert not hasattr(model, "attention_attachment")


def test_another_function_is_not_taken_for_softmax() -> None:
    model = tiny_random_model("olmo2")
    attention = next(attention_modules(model))
    attention.scaling *= 1.5
    attach(model, AttentionSpec("cog"))
    handle = model.lm_head.register_forward_hook(
        lambda module, args, output: output * (1.0 if model.config._attn_implementation == "eager" else 1.1)
    )
    with pytest.raises(ValueError, match=r"with softmax in every layer its logits are 10.0% off those of transformers"):
        refuse_unproved(model)
    handle.remove()


def test_a_layer_whose_edits_reach_nothing_is_named() -> None:
    model: PreTrainedModel = unlisted("olmo2")
    with torch.no_grad():
        next(attention_modules(model)).o_proj.weight.zero_()
    with pytest.raises(ValueError, match=r"does not answer to hook_attn_scores of model.layers.0.self_attn: an edit"):
        refuse_unproved(model)


def test_the_proof_leaves_the_variant_in_its_place() -> None:
    model = unlisted("mixtral")
    layers = [module.variant for module in attention_modules(model)]
    refuse_unproved(model)
    assert [module.variant for module in attention_modules(model)] == layers
    assert len(proof.attention_names(model)) == len(layers)


def test_experts_stored_one_by_one_are_joined_by_transformers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tiny_random_model("mixtral")
    model.save_pretrained(tmp_path)
    capfd.readouterr()
    load(tmp_path)
    assert "Loading" not in capfd.readouterr().err
    opened = AutoModelForCausalLM.from_pretrained(tmp_path)
    with torch.no_grad():
        assert_close(load(tmp_path)(ids := ids_of()), logits(opened, ids), atol=1e-4, rtol=0)
