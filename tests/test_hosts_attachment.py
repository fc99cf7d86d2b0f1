"""Variants inside Hugging Face decoders: the laws over every variant and family."""

import copy
import dataclasses
import inspect
import subprocess
import sys

import pytest
import torch
from tiny_decoders import EVERY, PAIRS, SPECS, attached, packed_row, random_ids, stir, tiny_decoder
from transformers import AutoModelForCausalLM, GPT2Config

from headscope import AttentionSpec, attach, detach
from headscope.models.attention import VARIANTS
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.hooked import hooked
from headscope.models.hosts.attachment import spec_of
from headscope.models.hosts.families import FAMILIES

every_family = pytest.mark.parametrize("family", EVERY)
every_pair = pytest.mark.parametrize(("family", "name"), PAIRS)
few_pairs = pytest.mark.parametrize(("family", "name"), [pair for pair in PAIRS if pair[1] in ("cog", "selective")])
every_spec = pytest.mark.parametrize("name", SPECS)


def padded(ids: torch.Tensor, side: str, n: int = 4) -> dict[str, torch.Tensor]:
    """The ids with padding, the mask, and the positions that GPT-2's learned embeddings need."""
    junk, ones = random_ids(len(ids), n), torch.ones_like(ids)
    parts, masks = [junk, ids], [torch.zeros_like(junk), ones]
    order = 1 if side == "left" else -1
    mask = torch.cat(masks[::order], 1)
    return {
        "input_ids": torch.cat(parts[::order], 1),
        "attention_mask": mask,
        "position_ids": (mask.cumsum(-1) - 1).clamp_min(0),
    }


def test_the_tiny_families_are_the_supported_ones() -> None:
    assert set(EVERY) == {name for name, family in FAMILIES.items() if family.modality.reads == "text"}


@every_family
def test_attached_softmax_is_the_model_itself(family: str) -> None:
    model, ids = tiny_decoder(family), random_ids()
    before = model(ids).logits
    torch.testing.assert_close(attach(model, SPECS["softmax"])(ids).logits, before, atol=1e-5, rtol=0)


@every_pair
def test_asking_for_patterns_changes_nothing(family: str, name: str) -> None:
    model, ids = attached(family, name), random_ids()
    told = model(ids, output_attentions=True)
    assert [tuple(pattern.shape) for pattern in told.attentions] == [(2, 4, 12, 12)] * 3
    torch.testing.assert_close(told.logits, model(ids).logits, atol=1e-4, rtol=0)


@every_pair
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_invisible(family: str, name: str, side: str) -> None:
    model, ids = attached(family, name), random_ids()
    real = slice(4, None) if side == "left" else slice(0, 12)
    torch.testing.assert_close(model(**padded(ids, side)).logits[:, real], model(ids).logits, atol=1e-4, rtol=0)


@every_pair
def test_a_cache_gives_the_logits_of_the_full_forward(family: str, name: str) -> None:
    model, ids = attached(family, name), random_ids(length=14)
    whole, first = model(ids).logits, model(ids[:, :9], use_cache=True)
    cache, steps = first.past_key_values, [first.logits]
    for t in range(9, 14):
        steps.append(model(ids[:, t : t + 1], past_key_values=cache, use_cache=True).logits)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-4, rtol=0)


@every_pair
def test_a_row_of_documents_is_the_documents_alone(family: str, name: str) -> None:
    model, (documents, call) = attached(family, name), packed_row()
    alone = torch.cat([model(ids).logits for ids in documents], 1)
    torch.testing.assert_close(model(**call).logits, alone, atol=1e-4, rtol=0)


@every_spec
def test_a_row_of_documents_has_the_gradient_of_the_documents_alone(name: str) -> None:
    model, (documents, call) = attached("gemma2", name).double(), packed_row()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    alone = torch.cat([model(ids).logits for ids in documents], 1)
    direction = torch.randn_like(alone)
    expected = torch.autograd.grad(alone, parameters, direction)
    packed = torch.autograd.grad(model(**call).logits, parameters, direction)
    torch.testing.assert_close(packed, expected, atol=1e-3, rtol=1e-4)  # Gemma's norms are float32


def test_a_cache_of_packed_documents_is_refused() -> None:
    model, (_, call) = attached("llama", "cog"), packed_row()
    with pytest.raises(ValueError, match="start anew pack several documents in a row, which a cache cannot keep apart"):
        model(**call, use_cache=True)


def test_positions_beside_a_mask_pack_nothing() -> None:
    model, ids = attached("llama", "selective"), random_ids()
    mask = torch.ones_like(ids)
    mask[:, 5] = 0
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    without = torch.cat([ids[:, :5], ids[:, 6:]], 1)
    seen = model(ids, attention_mask=mask, position_ids=positions, use_cache=True).logits
    torch.testing.assert_close(seen[:, 6:], model(without).logits[:, 5:], atol=1e-4, rtol=0)


@few_pairs
def test_generation_from_left_padded_prompts_is_that_of_the_prompt_alone(family: str, name: str) -> None:
    model, ids = attached(family, name), random_ids()
    call = padded(ids, "left")
    call.pop("position_ids")
    fresh = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=5, do_sample=False)
    assert torch.equal(model.generate(**call, max_new_tokens=5, do_sample=False)[:, 16:], fresh[:, 12:])


@every_pair
def test_every_parameter_of_a_variant_learns(family: str, name: str) -> None:
    model, ids = attached(family, name), random_ids()
    model(ids, labels=ids).loss.backward()
    learned = {key: p for key, p in model.named_parameters() if ".variant." in key}
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learned.values())
    spec = SPECS[name]
    parts = VARIANTS[spec.variant].learned
    of_kernel = parts and parts(spec_of(model).options, LayerShape(4, 32, 16, 32, 8))
    assert bool(learned) == bool(of_kernel or spec.gate)


@every_family
def test_detach_gives_the_softmax_model_back(family: str) -> None:
    model, ids = tiny_decoder(family), random_ids()
    before, names = model(ids).logits, list(model.state_dict())
    attach(model, SPECS["selective"])
    changed = model(ids).logits
    detach(model)
    assert torch.equal(model(ids).logits, before) and not torch.allclose(changed, before)
    assert list(model.state_dict()) == names and not hasattr(model.config, "attention_spec")


@every_spec
def test_layers_that_are_not_chosen_stay_softmax(name: str) -> None:
    model = attach(tiny_decoder("llama"), AttentionSpec(SPECS[name].variant, layers=[-1]))
    variants = [layer.self_attn.variant.variant.name for layer in model.model.layers]
    assert variants == ["softmax", "softmax", SPECS[name].variant]


def test_attaching_again_changes_the_variant() -> None:
    model, twin, ids = tiny_decoder("llama"), tiny_decoder("llama"), random_ids()
    attach(attach(model, SPECS["selective"]), SPECS["cog"])
    assert torch.equal(model(ids).logits, attach(twin, SPECS["cog"])(ids).logits)
    assert spec_of(model) == SPECS["cog"]


def test_a_copy_of_an_attached_model_is_independent() -> None:
    model, ids = attached("llama", "selective"), random_ids()
    twin = copy.deepcopy(model)
    before = model(ids).logits
    stir(twin, 1.0)
    assert torch.equal(model(ids).logits, before) and not torch.equal(twin(ids).logits, before)


@every_spec
def test_bfloat16_models_run_and_stay_near_float32(name: str) -> None:
    model, ids = attached("llama", name), random_ids()
    exact = model(ids).logits
    half = model.to(torch.bfloat16)(ids).logits
    assert half.dtype == torch.bfloat16
    assert (half.float() - exact).norm() < 0.15 * exact.norm()


# Layers of StableLM hand keywords on in a way of their own, which has to outlast their being computed again.
@pytest.mark.parametrize(("family", "name"), [*(("llama", name) for name in SPECS), ("stablelm", "selective")])
def test_gradient_checkpointing_gives_the_same_gradient(family: str, name: str) -> None:
    model, ids = attached(family, name).train(), random_ids()
    model(ids, labels=ids).loss.backward()
    plain = {key: p.grad.clone() for key, p in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    model(ids, labels=ids).loss.backward()
    torch.testing.assert_close({key: p.grad for key, p in model.named_parameters()}, plain)


@every_spec
def test_dropout_acts_on_the_weights_in_training_only(name: str) -> None:
    model, ids = attached("llama", name, attention_dropout=0.5), random_ids()
    assert torch.equal(model(ids).logits, model(ids).logits)
    model.train()
    assert not torch.equal(model(ids).logits, model(ids).logits)


def test_a_soft_cap_acts_before_the_variant() -> None:
    ids = random_ids()
    capped = attached("gemma2", "cog")(ids).logits
    assert not torch.allclose(capped, attached("gemma2", "cog", attn_logit_softcapping=None)(ids).logits)


COMPILED = """
import sys, torch
sys.path.insert(0, "tests")
from tiny_decoders import SPECS, random_ids, stir, tiny_decoder
from headscope import attach
for name in {names}:
    spec = SPECS[name]
    model, ids = attach(tiny_decoder("llama"), spec), random_ids()
    stir(model, 0.05)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="{backend}", fullgraph=True)
    for length in (12, 7):
        torch.testing.assert_close(compiled(ids[:, :length]).logits, model(ids[:, :length]).logits, atol=1e-4, rtol=0)
    print(name)
"""


WATCHED = """
import sys, torch
sys.path.insert(0, "tests")
from tiny_decoders import SPECS, random_ids, tiny_decoder
from headscope import attach
from headscope.models.seam.watched_calls import watched_calls
model, ids, calls = attach(tiny_decoder("llama"), SPECS["cog"]), random_ids(), []
compiled = torch.compile(model, backend="eager")
for _ in range(2):
    compiled(ids)
    with watched_calls(calls.append):
        compiled(ids)
print(*[call.layer for call in calls])
"""


def test_a_compiled_model_is_watched_and_only_while_someone_watches() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True)
    assert done.stdout.split() == ["0", "1", "2"] * 2, done.stderr


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        ("aot_eager", ["selective"]),  # which asks most of a model's call
        *(pytest.param(backend, list(SPECS), marks=pytest.mark.slow) for backend in ("aot_eager", "inductor")),
    ],
    ids=["one variant", "every option", "to machine code"],
)
def test_the_compiled_model_gives_the_same_logits(backend: str, names: list[str]) -> None:
    """In a process of its own: the shape checks of the test run are no part of the compiled code."""
    code = COMPILED.format(backend=backend, names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == names, done.stderr


def test_polynomial_takes_the_models_context_when_nothing_is_said() -> None:
    model = attach(tiny_decoder("llama"), AttentionSpec("polynomial"))
    assert spec_of(model).options["n_ctx"] == 64 == model.config.attention_spec["options"]["n_ctx"]


def test_selective_adds_less_than_half_a_percent_of_parameters_to_gpt2() -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(GPT2Config())
    before = model.num_parameters()
    assert 0 < attach(model, SPECS["selective"]).num_parameters() - before < 0.005 * before


def test_an_unsupported_family_is_refused_by_name() -> None:
    model = tiny_decoder("llama")
    model.config.model_type = "t5"
    with pytest.raises(ValueError, match="model family 't5' is not supported; supported: gpt2, gpt_neox, llama"):
        attach(model, SPECS["cog"])


def test_a_layer_the_model_has_not_is_refused_and_the_model_is_untouched() -> None:
    model = tiny_decoder("llama")
    with pytest.raises(ValueError, match="layer 7 asked for; the model has layers 0 to 2"):
        attach(model, AttentionSpec("cog", layers=[7]))
    assert not any(".variant" in key for key, _ in model.named_modules())


def test_detach_without_attach_is_refused() -> None:
    with pytest.raises(ValueError, match="carries no attention variant"):
        detach(tiny_decoder("llama"))


def test_a_decoder_with_cross_attention_is_refused() -> None:
    model = tiny_decoder("gpt2", add_cross_attention=True)
    with pytest.raises(ValueError, match="for decoders alone; this model has cross-attention"):
        attach(model, SPECS["cog"])


def test_a_name_instead_of_a_spec_is_refused() -> None:
    with pytest.raises(ValueError, match=r"AttentionSpec\('softmax'\), or a list of them; got 'cog'"):
        inspect.unwrap(attach)(tiny_decoder("llama"), "cog")  # past the type check of the test run


def test_a_hooked_model_is_not_attached_to_and_not_detached_from() -> None:
    model, ids = attached("llama", "selective"), random_ids()
    bridge = hooked(model)
    before = bridge(ids)
    for change in (lambda: attach(model, SPECS["cog"]), lambda: detach(model)):
        with pytest.raises(ValueError, match="this model is hooked: its modules were wrapped in place"):
            change()
    assert torch.equal(bridge(ids), before)


def test_a_layer_is_made_where_its_attention_module_is() -> None:
    model = tiny_decoder("llama")
    model.model.layers[2].to("meta")
    attach(model, SPECS["selective"])
    devices = [layer.self_attn.variant.temperature_q.weight.device.type for layer in model.model.layers]
    assert devices == ["cpu", "cpu", "meta"]


@pytest.mark.parametrize("hidden", [float("-inf"), torch.finfo(torch.float32).min, -1e9, -1e4])
def test_an_additive_mask_hides_whatever_large_number_it_uses(hidden: float) -> None:
    model, ids = attached("llama", "cog"), random_ids()
    additive = torch.full((12, 12), hidden).triu(1)[None, None].expand(2, 1, 12, 12)
    torch.testing.assert_close(model(ids, attention_mask=additive).logits, model(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mask", [torch.full((2, 1, 12, 12), -0.5), torch.ones(2, 1, 12, 12).long()])
def test_a_prepared_mask_that_is_neither_boolean_nor_additive_is_refused(mask: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="a prepared attention mask is boolean, or additive with 0"):
        attached("llama", "cog")(random_ids(), attention_mask=mask)


def test_autocast_gives_kernels_float32_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = attached("llama", "cog"), []
    row = model.model.layers[0].self_attn.variant.variant
    for layer in model.model.layers:
        layer.self_attn.variant.variant = dataclasses.replace(
            row, weigh=lambda scores, visible: seen.append(scores.dtype) or row.weigh(scores, visible)
        )
    with torch.autocast("cpu", torch.bfloat16):
        model(random_ids(), output_attentions=True)
    assert seen == [torch.float32] * 3


def test_selective_refuses_masks_it_cannot_count() -> None:
    model, ids = attached("llama", "selective"), random_ids()
    with pytest.raises(ValueError, match="needs the \\[batch, position\\] attention mask"):
        model(ids, attention_mask=torch.zeros(2, 1, 12, 12))


def test_a_static_cache_gives_the_logits_of_the_full_forward() -> None:
    model, ids = attached("llama", "cog"), random_ids()
    plain = model.generate(ids, max_new_tokens=5, do_sample=False)
    static = model.generate(ids, max_new_tokens=5, do_sample=False, cache_implementation="static", disable_compile=True)
    assert torch.equal(static, plain)
