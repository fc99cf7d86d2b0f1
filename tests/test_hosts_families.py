"""Families that are a row of the list: their files, the laws of their matrices, and what their configs may say."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hooked_cases import close
from safetensors.torch import load_file
from tiny_decoders import MORE, PARTIAL, SIZES, SPECS, TOKENS, attached, random_ids, stir, tiny_decoder
from transformers import AutoModelForCausalLM

from headscope import AttentionSpec, attach, save
from headscope.interp.weights.head_weights import head_weights
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.hooked import hooked

every_family = pytest.mark.parametrize("family", MORE)


@every_family
def test_the_matrices_keep_their_laws(family: str) -> None:
    expected = {"W_QK"} if family == "hunyuan_v1_dense" else set()  # its norms come after the rotation
    assert set(head_weights(hooked(attached(family, "softmax"))).misread) == expected


@every_family
def test_files_have_transformers_own_names_and_open_bit_for_bit(family: str, tmp_path: Path) -> None:
    plain = tiny_decoder(family)
    plain.save_pretrained(tmp_path / "theirs")
    ours = save(plain, tmp_path / "ours")
    theirs, mine = (load_file(folder / "model.safetensors") for folder in (tmp_path / "theirs", ours))
    assert theirs.keys() == mine.keys() and all(torch.equal(theirs[name], mine[name]) for name in theirs)
    carrying = attach(open_folder(tmp_path / "theirs").model, SPECS["selective"])
    stir(carrying, 0.05)
    opened: Any = open_folder(save(carrying, tmp_path / "selective")).model
    ids = random_ids()
    assert torch.equal(opened(ids).logits, carrying(ids).logits)


# What the released files of a family say besides what our tiny ones do
RELEASED: dict[str, dict[str, Any]] = {
    "phi": {"partial_rotary_factor": 0.5, "rope_scaling": None, "rope_theta": 10000.0, "embd_pdrop": 0.0},
    "phi3": {
        "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config", "AutoModelForCausalLM": "m.Phi3ForCausalLM"},
        "original_max_position_embeddings": 32,
        "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 4, "long_factor": [2.0] * 4},
    },
    "stablelm": {"partial_rotary_factor": 0.5, "rope_theta": 10000, "rope_scaling": None, "use_qkv_bias": False},
    "gpt_bigcode": {"inference_runner": 0, "validate_runner_input": True, "max_sequence_length": None},
    "ernie4_5": {"auto_map": {"AutoModel": "modeling_ernie4_5.Ernie4_5_Model"}, "compression_ratio": 1.0},
    "hunyuan_v1_dense": {
        "rope_theta": 10000.0,
        "rope_scaling": {
            **{"alpha": 100.0, "beta_fast": 32, "beta_slow": 1, "factor": 1.0},
            **{"mscale": 1.0, "mscale_all_dim": 1.0, "type": "dynamic"},
        },
    },
}


@pytest.mark.parametrize("family", RELEASED)
def test_what_released_files_say_opens(family: str, tmp_path: Path) -> None:
    model, ids = tiny_decoder(family), random_ids()
    model.save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "config.json").read_text())
    fields.pop("rope_parameters", None)
    (tmp_path / "config.json").write_text(json.dumps({**fields, **RELEASED[family]}))
    opened: Any = open_folder(tmp_path).model
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    close(opened(ids).logits, theirs(ids).logits, 1e-5)


def test_code_of_another_name_than_the_family_s_is_refused(tmp_path: Path) -> None:
    tiny_decoder("phi3").save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**fields, "auto_map": {"AutoModel": "m.Phi3Model", "x": "m.Mine"}})
    )
    with pytest.raises(CheckpointError, match="'auto_map' asks for the folder's own code, which is never run here"):
        open_folder(tmp_path)


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "parallel residual": ("stablelm", {"use_parallel_residual": True, "use_qkv_bias": True}),
    "norms of queries": ("stablelm", {"qk_layernorm": True}),
    "unscaled": ("gpt_bigcode", {"scale_attn_weights": False}),
    "no window": ("mistral", {"sliding_window": None}),
}
UNHOOKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "many key heads": ("gpt_bigcode", {"multi_query": False}, "one key and value head for all .* multi_query=False"),
    "norms of queries": ("phi", {"qk_layernorm": True}, "no norms on Phi's queries and keys, which qk_layernorm=True"),
}


GROUPS = {**SIZES, "num_key_value_heads": 2}


def with_option(family: str, options: dict[str, Any]) -> Any:
    """A tiny decoder whose config was made with other options."""
    torch.manual_seed(0)
    kind: Any = type(MORE[family]())
    sizes = {"n_positions": 64, "n_embd": 32, "n_layer": 3, "n_head": 4} if family == "gpt_bigcode" else GROUPS
    partial = {"rope_parameters": PARTIAL} if family in ("phi", "stablelm") else {}
    model = AutoModelForCausalLM.from_config(kind(**TOKENS, **sizes, **partial, **options)).eval()
    stir(model, 0.2)
    return model


@pytest.mark.parametrize("case", OPTIONS)
def test_options_of_a_family_are_hooked_exactly(case: str) -> None:
    model, ids = attach(with_option(*OPTIONS[case]), AttentionSpec("cog")), random_ids()
    expected = model(ids).logits
    bridge: Any = hooked(model)
    logits, cache = bridge.run_with_cache(ids)
    close(logits, expected)
    double = ("blocks.1.attn.hook_pattern", lambda pattern, hook: 2 * pattern)
    assert (bridge.run_with_hooks(ids, fwd_hooks=[double]) - logits).abs().max() > 1e-2
    assert (cache["blocks.1.attn.hook_pattern"] < 0).any()


@pytest.mark.parametrize("case", UNHOOKED)
def test_options_without_hooks_are_carried_and_refused_by_name(case: str) -> None:
    family, options, sentence = UNHOOKED[case]
    model, ids = with_option(family, options), random_ids()
    expected = model(ids).logits
    close(attach(model, SPECS["softmax"])(ids).logits, expected, 1e-5)
    before = attach(model, SPECS["selective"])(ids).logits
    with pytest.raises(ValueError, match=sentence):
        hooked(model)
    assert torch.equal(model(ids).logits, before)
