"""What an attached model must not lose in silence: its variant, its place, what an architecture adds, its padding."""

import copy
import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import disk_offload, dispatch_model
from peft import LoraConfig, get_peft_model
from tiny_decoders import SPECS, attached, packed_row, random_ids, tiny_decoder
from tiny_models import tiny_tokenizer
from torch import nn
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from headscope import AttentionSpec, attach, detach, save
from headscope.interp.families.trial import tiny_random_model
from headscope.models.hooked import hooked
from headscope.models.hosts.attachment import spec_of
from headscope.models.hosts.families import FAMILIES, LLAMA_SHAPED

SDPA = "carries cog, but its attention implementation was set to 'sdpa', which is softmax"
# Past the type check of the test run.
DOORS = {door.__name__: inspect.unwrap(door) for door in (attach, detach, spec_of, hooked, save)}


def by_method(model: Any) -> None:
    model.set_attn_implementation("sdpa")


def by_config(model: Any) -> None:
    model.config._attn_implementation = "sdpa"


@pytest.mark.parametrize("change", [by_method, by_config])
@pytest.mark.parametrize("copied", [False, True])
def test_a_model_that_was_switched_to_softmax_is_refused_everywhere(change: Any, copied: bool, tmp_path: Path) -> None:
    model, ids = attached("llama", "cog"), random_ids()
    model = copy.deepcopy(model) if copied else model
    before = model(ids).logits
    change(model)
    for use in (lambda: model(ids), lambda: spec_of(model), lambda: save(model, tmp_path / "x"), lambda: hooked(model)):
        with pytest.raises(ValueError, match=SDPA):
            use()
    model.set_attn_implementation("headscope")
    assert torch.equal(model(ids).logits, before) and spec_of(model) == SPECS["cog"]


def test_two_models_of_one_config_do_not_take_each_others_variant() -> None:
    model, ids = attached("llama", "cog"), random_ids()
    twin = LlamaForCausalLM(model.config)
    with pytest.raises(ValueError, match="asks for headscope attention, but nothing is attached to a LlamaAttention"):
        twin(ids)
    detach(attach(twin, SPECS["selective"]))
    with pytest.raises(ValueError, match=SDPA):
        model(ids)


def test_layers_that_were_changed_after_attach_are_refused(tmp_path: Path) -> None:
    model = attached("llama", "cogformer")
    model.model.layers.append(tiny_decoder("llama").model.layers[0])
    for use in (lambda: spec_of(model), lambda: save(model, tmp_path / "x"), lambda: hooked(model)):
        with pytest.raises(ValueError, match="layer 2 of this model is to be cog and carries softmax"):
            use()


def test_a_variant_that_plain_transformers_lost_is_not_saved_as_that_variant(tmp_path: Path) -> None:
    plain = AutoModelForCausalLM.from_pretrained(save(attached("llama", "cog"), tmp_path / "cog"))
    with pytest.raises(ValueError, match=r"config.json says cog, but nothing is attached"):
        save(plain, tmp_path / "again")


def test_a_copy_is_detached_apart_from_its_original() -> None:
    model, ids = attached("llama", "selective"), random_ids()
    before = model(ids).logits
    detach(copy.deepcopy(model))
    assert torch.equal(model(ids).logits, before)


def adapted() -> Any:
    return get_peft_model(tiny_decoder("llama"), LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))


@pytest.mark.parametrize("door", ["attach", "detach", "spec_of", "hooked"])
def test_what_is_no_transformers_model_is_refused_with_where_it_is(door: str) -> None:
    others = (SPECS["cog"],) if door == "attach" else ()
    cases = {
        "a PeftModel, which holds one: give model.get_base_model()": adapted(),
        "a DataParallel, which holds one: give model.module": nn.DataParallel(tiny_decoder("llama")),
        "a OptimizedModule, which holds one: give model._orig_mod": torch.compile(tiny_decoder("llama")),
        "a Linear, which is none": nn.Linear(2, 2),
        "a str, which is none": "llama",
    }
    for sentence, model in cases.items():
        with pytest.raises(ValueError) as refusal:
            DOORS[door](model, *others)
        assert str(refusal.value) == f"{door} takes a transformers model; got {sentence}"


@pytest.mark.parametrize("model", [adapted, lambda: nn.Linear(2, 2), lambda: "llama"])
def test_save_refuses_what_is_no_transformers_model(model: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot save a "):
        DOORS["save"](model(), tmp_path / "x")


def test_a_hooked_model_at_the_wrong_door_is_called_hooked() -> None:
    bridge = hooked(attached("llama", "cog"), tiny_tokenizer())
    for door, others in (("attach", (SPECS["cog"],)), ("detach", ()), ("spec_of", ())):
        with pytest.raises(ValueError, match=f"{door} takes a transformers model; got a HookedBridge, which is hooked"):
            DOORS[door](bridge, *others)


def test_the_model_inside_an_adapter_carries_the_variant() -> None:
    outer, ids = adapted(), random_ids()
    attach(outer.get_base_model(), SPECS["selective"])
    merged = attach(copy.deepcopy(outer).merge_and_unload(), SPECS["selective"])
    torch.testing.assert_close(outer(ids).logits, merged(ids).logits, atol=1e-4, rtol=0)


def test_learned_parts_lie_where_an_offloaded_layer_computes(tmp_path: Path) -> None:
    model, twin, ids = tiny_decoder("llama"), attach(tiny_decoder("llama"), SPECS["selective"]), random_ids()
    places = dict.fromkeys(["model.embed_tokens", "model.layers.0", "model.layers.1", "model.norm", "lm_head"], "cpu")
    dispatch_model(model, {**places, "model.rotary_emb": "cpu", "model.layers.2": "disk"}, "cpu", offload_dir=tmp_path)
    assert next(model.model.layers[2].parameters()).is_meta
    attach(model, SPECS["selective"])
    torch.testing.assert_close(model(ids).logits, twin(ids).logits)


def test_a_wholly_offloaded_model_runs_attached_and_hooked(tmp_path: Path) -> None:
    model, ids = tiny_decoder("llama"), random_ids()
    expected = attach(copy.deepcopy(model), SPECS["selective"])(ids).logits
    disk_offload(model, str(tmp_path), execution_device=torch.device("cpu"))
    attach(model, SPECS["selective"])
    torch.testing.assert_close(model(ids).logits, expected)
    torch.testing.assert_close(hooked(model)(ids), expected, atol=1e-4, rtol=0)


def test_learned_parts_of_a_quantised_layer_are_floating() -> None:
    model = tiny_decoder("llama").to(torch.bfloat16)
    projection = model.model.layers[0].self_attn.q_proj
    projection.weight = nn.Parameter(projection.weight.to(torch.int8), requires_grad=False)
    attach(model, SPECS["selective"])
    assert model.model.layers[0].self_attn.variant.temperature_q.weight.dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["s_aux", "position_bias", "alibi", "sinks", "cu_seq_lens_q"])
def test_a_keyword_that_may_change_scores_is_refused_by_name(name: str) -> None:
    model, ids = attached("llama", "cog"), random_ids()
    for run in (model, hooked(attached("llama", "cog"))):
        with pytest.raises(ValueError, match=f"attention was called with '{name}', which may change its scores"):
            run(ids, **{name: torch.zeros(1)})


def test_keywords_that_leave_scores_alone_pass() -> None:
    model, ids = attached("llama", "cog"), random_ids()
    known = {
        "num_items_in_batch": 3,
        "token_type_ids": torch.zeros_like(ids),
        "output_router_logits": True,
        "alibi": None,
    }
    assert torch.equal(model(ids, **known).logits, model(ids).logits)


def test_what_flash_attention_is_told_of_packed_documents_is_what_their_positions_say() -> None:
    model, (_, call) = attached("llama", "selective"), packed_row()
    bounds = {"cu_seq_lens_q": torch.tensor([0, 5, 6, 15]), "max_length_q": 9}
    assert torch.equal(model(**call, **bounds).logits, model(**call).logits)


def test_attention_that_learns_more_than_a_variant_takes_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "doge", LLAMA_SHAPED)
    model = tiny_random_model("doge")
    for use in (lambda: attach(model, AttentionSpec("softmax")), lambda: hooked(model)):
        with pytest.raises(ValueError, match="attention of a DogeAttention learns 'A' beside its projections"):
            use()


def test_a_call_may_say_that_nothing_is_hidden() -> None:
    model, ids = attached("llama", "cog"), random_ids()
    plain = tiny_decoder("llama")
    open_call = attach(tiny_decoder("llama"), SPECS["softmax"])(ids, is_causal=False).logits
    torch.testing.assert_close(open_call, plain(ids, is_causal=False).logits, atol=1e-5, rtol=0)
    assert (model(ids, is_causal=False).logits - model(ids).logits).abs().max() > 1e-2


def test_an_open_call_is_refused_where_it_cannot_be_computed() -> None:
    ids = random_ids()
    with pytest.raises(ValueError, match="counts visible tokens as its layers see them, with is_causal=True"):
        attached("llama", "selective")(ids, is_causal=False)
    with pytest.raises(ValueError, match="a hooked model computes as its layers are made, with is_causal=True"):
        hooked(attached("llama", "cog"))(ids, is_causal=False)


@pytest.mark.parametrize("cap", [0.0, -1.0, float("nan"), float("inf")])
def test_a_soft_cap_that_bounds_nothing_is_refused(cap: float) -> None:
    model = attached("gemma2", "cog")
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = cap
    with pytest.raises(ValueError, match="the soft cap of the scores is a finite number above 0, got "):
        model(random_ids())
    with pytest.raises(ValueError, match="the soft cap of the scores is a finite number above 0, got "):
        hooked(model)


def test_a_scaling_that_is_no_finite_number_is_refused() -> None:
    model = attached("llama", "cog")
    model.model.layers[1].self_attn.scaling = float("nan")
    with pytest.raises(ValueError, match="cog: scale is a finite number, got nan"):
        model(random_ids())


def padded_ids() -> torch.Tensor:
    ids = random_ids()
    ids[0, :3] = 2  # the padding token of the tiny decoders
    return ids


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_padding_without_a_mask_is_warned_of_once(family: str) -> None:
    model = attached(family, "cog")
    for run in (model, hooked(attached(family, "cog"))):
        with pytest.warns(UserWarning, match=r"the ids start with padding \(token 2\) and no attention_mask came"):
            run(padded_ids())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(padded_ids())


def test_nothing_is_warned_of_where_padding_is_masked_or_is_none() -> None:
    ids, once = padded_ids(), random_ids()
    once[:, 0] = 2
    positions = ((ids != 2).cumsum(-1) - 1).clamp_min(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        attached("llama", "cog")(ids, attention_mask=(ids != 2).long())
        attached("llama", "cog")(ids, position_ids=positions)
        attached("llama", "cog")(once)
        attached("llama", "cog")(inputs_embeds=torch.zeros(1, 3, 32))


def test_a_model_without_a_padding_token_is_warned_of_what_tokenizers_pad_with() -> None:
    model, ids = attached("llama", "cog", pad_token_id=None, eos_token_id=[7, 8]), random_ids()
    ids[1, :2] = 8
    with pytest.warns(UserWarning, match=r"start with padding \(token 8\)"):
        model(ids)
