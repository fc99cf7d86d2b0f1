"""Model folders: what is saved opens again, bit for bit."""

from pathlib import Path
from typing import Any

import pytest
import torch
from model_folders import carrying, edit_config, edit_weights, good_folder, refused, tokenizer
from tiny_decoders import CONFIGS, SPECS, random_ids, tiny_decoder
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
)

from headscope import AttentionSpec, detach, load, save
from headscope.models.checkpoints import CheckpointError, open_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path / "model")


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("family", CONFIGS)
def test_what_is_saved_opens_bit_for_bit(family: str, spec: str, tmp_path: Path) -> None:
    model = carrying(family, spec)
    opened = open_folder(save(model, tmp_path / "model"))
    before, after = model.state_dict(), opened.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    buffers = dict(opened.model.named_buffers())
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in model.named_buffers())
    assert opened.spec == AttentionSpec.from_json(model.config.attention_spec)
    assert not opened.model.training


@pytest.mark.parametrize("spec", ["softmax", "selective", "polynomial learned"])
@pytest.mark.parametrize("family", CONFIGS)
def test_an_opened_model_says_and_generates_the_same(family: str, spec: str, tmp_path: Path) -> None:
    model = carrying(family, spec)
    opened: Any = open_folder(save(model, tmp_path / "model")).model
    ids = random_ids()
    assert torch.equal(model(ids).logits, opened(ids).logits)
    written = [m.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8) for m in (model, opened)]
    assert torch.equal(*written)


@pytest.mark.parametrize("stored", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_every_number_format_survives(stored: torch.dtype, tmp_path: Path) -> None:
    model = carrying("llama", "selective").to(stored)
    folder = save(model, tmp_path / "model")
    kept, widened = open_folder(folder, dtype="auto").model.state_dict(), open_folder(folder).model.state_dict()
    for name, tensor in model.state_dict().items():
        assert kept[name].dtype == stored
        assert widened[name].dtype == torch.promote_types(stored, torch.float32)
        assert torch.equal(kept[name], tensor)
        assert torch.equal(widened[name].to(stored), tensor)


def test_16_bit_files_survive_any_number_of_rounds(tmp_path: Path) -> None:
    first = save(carrying("gpt2", "cog"), tmp_path / "first", dtype=torch.bfloat16)
    opened = open_folder(first)
    second = save(opened.model, tmp_path / "second", dtype=torch.bfloat16)
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
    assert open_folder(second).fingerprint == opened.fingerprint


def test_an_asked_number_format_is_given(folder: Path) -> None:
    assert {tensor.dtype for tensor in open_folder(folder, dtype=torch.bfloat16).model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("asked", [torch.int8, torch.complex64])
def test_other_number_formats_are_refused(asked: Any, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"open_folder: dtype is None, 'auto' or one of torch.float16"):
        open_folder(folder, dtype=asked)
    with pytest.raises(ValueError, match=r"save: dtype is None or one of torch.float16"):
        save(tiny_decoder("llama"), tmp_path / "new", dtype=asked)


def test_the_tokenizer_survives(folder: Path) -> None:
    opened, given = open_folder(folder).tokenizer, tokenizer()
    assert opened is not None
    assert opened.get_vocab() == given.get_vocab()
    text = "def f(x):\n    return 1 <s>"
    assert opened(text).input_ids == given(text).input_ids
    assert opened.decode(given(text).input_ids) == given.decode(given(text).input_ids)
    assert (opened.bos_token_id, opened.model_max_length) == (given.bos_token_id, given.model_max_length)


def test_a_folder_copied_by_opening_and_saving_is_the_same_folder(folder: Path, tmp_path: Path) -> None:
    opened = open_folder(folder)
    copy = save(opened.model, tmp_path / "copy", opened.tokenizer)
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == {
        f.name: f.read_bytes() for f in folder.iterdir()
    }


def test_the_generation_config_survives(tmp_path: Path) -> None:
    model = carrying("qwen3")
    model.generation_config.eos_token_id = 5
    model.generation_config.top_k = 7
    assert open_folder(save(model, tmp_path / "model")).model.generation_config.to_dict() == (
        model.generation_config.to_dict()
    )


@pytest.mark.parametrize("spec", ["cogformer", "selective"])
@pytest.mark.parametrize("family", CONFIGS)
def test_a_hooked_model_saves_the_folder_that_it_was_loaded_from(family: str, spec: str, tmp_path: Path) -> None:
    first = save(carrying(family, spec), tmp_path / "first", tokenizer())
    second = save(load(first), tmp_path / "second")
    assert {file.name: file.read_bytes() for file in first.iterdir()} == {
        file.name: file.read_bytes() for file in second.iterdir()
    }


def test_a_hooked_model_made_by_hand_is_saved_with_its_tokenizer_as_it_was(tmp_path: Path) -> None:
    from headscope.models.hooked import hooked

    plain = save(carrying("llama"), tmp_path / "plain", tokenizer())
    by_hand = save(hooked(carrying("llama"), tokenizer()), tmp_path / "by hand")
    assert (by_hand / "tokenizer.json").read_bytes() == (plain / "tokenizer.json").read_bytes()


def test_load_gives_hooks_and_the_same_logits(folder: Path) -> None:
    ids = random_ids()
    model = load(folder)
    assert model.attention_spec == SPECS["cogformer"]
    torch.testing.assert_close(model(ids), open_folder(folder).model(ids).logits, atol=1e-4, rtol=0)


def test_load_says_what_there_is() -> None:
    with pytest.raises(CheckpointError, match=r"cannot load 'cogg': no such folder or file, and shipped models are "):
        load("cogg")


def test_no_path_of_this_machine_is_written(folder: Path) -> None:
    edit_config(folder, _name_or_path="elsewhere")
    opened = open_folder(folder)
    for file in save(opened.model, folder.parent / "copy", opened.tokenizer).iterdir():
        content = file.read_bytes()
        assert str(folder.parent).encode() not in content
        assert b"_name_or_path" not in content and b"attn_implementation" not in content


def test_plain_transformers_opens_what_is_saved_as_softmax(folder: Path) -> None:
    ids = random_ids()
    plain = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    torch.testing.assert_close(plain(ids).logits, detach(open_folder(folder).model)(ids).logits)


# Folders that others wrote


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("shard", ["5GB", "20KB"])
def test_plain_folders_are_softmax(family: str, shard: str, tmp_path: Path) -> None:
    model = tiny_decoder(family)
    model.save_pretrained(tmp_path, max_shard_size=shard)
    assert (tmp_path / "model.safetensors.index.json").exists() == (shard == "20KB")
    opened = open_folder(tmp_path)
    ids = random_ids()
    assert opened.spec == AttentionSpec("softmax")
    assert opened.tokenizer is None
    torch.testing.assert_close(opened.model(ids).logits, model(ids).logits)
    assert all(torch.equal(tensor, opened.model.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_names_without_prefix_and_stored_masks_of_old_files_are_understood(tmp_path: Path) -> None:
    model = tiny_decoder("gpt2")
    model.save_pretrained(tmp_path)

    def as_on_the_hub(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[name.removeprefix("transformer.")] = weights.pop(name)
        weights["h.0.attn.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.uint8)

    edit_weights(tmp_path, as_on_the_hub)
    ids = random_ids()
    torch.testing.assert_close(open_folder(tmp_path).model(ids).logits, model(ids).logits)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights")
    (folder / "model.safetensors").symlink_to("weights")
    assert open_folder(folder).spec == SPECS["cogformer"]


def test_a_tied_weight_may_be_stored_twice_but_not_differently(tmp_path: Path) -> None:
    save(carrying("gpt2"), tmp_path)
    edit_weights(tmp_path, lambda w: w.update({"lm_head.weight": w["transformer.wte.weight"].clone()}))
    fingerprint = open_folder(tmp_path).fingerprint
    edit_weights(tmp_path, lambda w: w["lm_head.weight"].add_(1))
    assert "ties 'lm_head.weight' to 'transformer.wte.weight', but they differ" in refused(tmp_path)
    edit_weights(tmp_path, lambda w: (w["transformer.wte.weight"].add_(1), w.pop("lm_head.weight")))
    assert open_folder(tmp_path).fingerprint != fingerprint


def test_only_the_output_twin_stored_is_enough(tmp_path: Path) -> None:
    model = carrying("gpt2")
    save(model, tmp_path)
    edit_weights(tmp_path, lambda w: w.update({"lm_head.weight": w.pop("transformer.wte.weight")}))
    opened: Any = open_folder(tmp_path).model
    assert torch.equal(opened.get_input_embeddings().weight, model.lm_head.weight)


ROPES: dict[str, dict[str, Any]] = {
    "linear, old name": {"type": "linear", "factor": 2.0},
    "linear": {"rope_type": "linear", "factor": 2.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "yarn": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32, "beta_fast": 32.0},
    "longrope": {
        **{"rope_type": "longrope", "factor": 2.0, "original_max_position_embeddings": 32},
        **{"short_factor": [1.0] * 4, "long_factor": [2.0] * 4},
    },
    "llama3": {
        **{"rope_type": "llama3", "factor": 2.0, "original_max_position_embeddings": 32},
        **{"low_freq_factor": 1.0, "high_freq_factor": 4.0},
    },
}


@pytest.mark.parametrize("rope", ROPES)
def test_every_rope_of_transformers_survives(rope: str, tmp_path: Path) -> None:
    config = LlamaConfig(**{**CONFIGS["llama"]().to_diff_dict(), "rope_parameters": None, "rope_scaling": ROPES[rope]})
    model: Any = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(tmp_path / "theirs")
    ids = random_ids()
    for folder in (tmp_path / "theirs", save(model, tmp_path / "ours")):
        opened: Any = open_folder(folder).model
        torch.testing.assert_close(opened(ids).logits, model(ids).logits)
        assert opened.model.rotary_emb.rope_type == rope.partition(",")[0]


@pytest.mark.parametrize("change", ["weight", "config", "spec"])
def test_the_fingerprint_tells_models_apart(change: str, folder: Path) -> None:
    before = open_folder(folder).fingerprint
    assert open_folder(folder).fingerprint == before
    if change == "weight":
        edit_weights(folder, lambda w: w["lm_head.weight"].view(-1)[:1].add_(1))
    if change == "config":
        edit_config(folder, rms_norm_eps=0.1)
    if change == "spec":
        edit_config(folder, attention_spec=AttentionSpec("cog").to_json())
    assert open_folder(folder).fingerprint != before
