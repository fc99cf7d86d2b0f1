"""A LoRA adapter within its base: the same as peft merges, or refused with the line that merges it elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from test_checkpoints_converters import CLOSE, refused
from tiny_decoders import SPECS, random_ids, tiny_decoder
from torch import Tensor

from headscope import attach, save
from headscope.models.checkpoints import open_folder, open_model

TARGETS = {"llama": ["q_proj", "down_proj"], "gpt2": ["c_attn", "c_fc"]}


def adapted(family: str, place: Path, **settings: Any) -> tuple[Path, Path]:
    """A base with Cog, and an adapter of it."""
    base = save(attach(tiny_decoder(family), SPECS["cog"]), place / "base")
    peft: Any = get_peft_model(
        tiny_decoder(family), LoraConfig(r=3, lora_alpha=5, target_modules=TARGETS[family], **settings)
    )
    for name, parameter in peft.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn_like(parameter) * 0.3
    peft.save_pretrained(place / "adapter")
    return base, place / "adapter"


def edit(folder: Path, **changes: Any) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize("settings", [{}, {"use_rslora": True}], ids=["plain", "rank-stabilised"])
@pytest.mark.parametrize("family", TARGETS)
def test_an_adapter_is_merged_into_the_base_that_is_given(family: str, settings: Any, tmp_path: Path) -> None:
    base, adapter = adapted(family, tmp_path, **settings)
    opened = open_model(adapter, given={"base": str(base)})
    ids = random_ids()
    with torch.no_grad():
        torch.testing.assert_close(opened.model(ids).logits, peft_logits(family, adapter, ids), **CLOSE)
    assert opened.opened_as == f"opened as a LoRA adapter, merged into {base}"
    assert opened.fingerprint != open_folder(base).fingerprint and opened.spec.variant == "cog"


def peft_logits(family: str, adapter: Path, ids: Tensor) -> Tensor:
    """What peft makes of both, with the same attention."""
    merged: Any = PeftModel.from_pretrained(tiny_decoder(family), str(adapter)).merge_and_unload()
    with torch.no_grad():
        return attach(merged.eval(), SPECS["cog"])(ids).logits


def test_the_base_that_an_adapter_names_is_taken_where_it_is_here(tmp_path: Path) -> None:
    base, adapter = adapted("llama", tmp_path)
    edit(adapter, base_model_name_or_path=str(base))
    assert open_model(adapter).opened_as == f"opened as a LoRA adapter, merged into {base}"


def test_an_adapter_whose_base_is_not_here_is_refused_with_both_ways(tmp_path: Path) -> None:
    _, adapter = adapted("llama", tmp_path)
    edit(adapter, base_model_name_or_path="owner/model")
    refused(adapter, r"PeftModel.from_pretrained\(base, folder\).merge_and_unload\(\), then headscope.save")
    refused(adapter, r"given=\{'base': …\}\) \(it names 'owner/model', which is no folder here\)")


def test_other_adapters_and_those_of_other_models_are_refused_by_name(tmp_path: Path) -> None:
    base, adapter = adapted("llama", tmp_path)
    other = save(tiny_decoder("gpt2"), tmp_path / "other")
    refused(adapter, "its base has no 'model.layers.0.* so it is the adapter of another model", base=str(other))
    small = save(tiny_decoder("llama", intermediate_size=40), tmp_path / "small")
    refused(adapter, "what it adds to 'model.layers.0.mlp.down_proj'", base=str(small))
    edit(adapter, use_dora=True)
    refused(adapter, "its adapter has use_dora=True; only plain LoRA is merged here", base=str(base))


def test_a_tensor_that_is_no_pair_is_refused(tmp_path: Path) -> None:
    base, adapter = adapted("llama", tmp_path)
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file({**tensors, "base_model.model.lm_head.weight": torch.ones(3, 3)}, adapter / "adapter_model.safetensors")
    refused(adapter, "'base_model.model.lm_head.weight' is no part of a pair of LoRA", base=str(base))
