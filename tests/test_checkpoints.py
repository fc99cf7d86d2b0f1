"""Model folders: what is saved opens again bit for bit, and what is not exactly a model is refused in one sentence."""

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny_decoders import CONFIGS, SPECS, random_ids, stir, tiny_decoder
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import (
    AutoModelForCausalLM,
    ByT5Tokenizer,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from headscope import AttentionSpec, attach, detach, load, save
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.checkpoints.files.header import MAX_HEADER_BYTES, MAX_TENSORS, stored_tensors
from headscope.models.hooked.loading import place_of


def tokenizer(changed: str = "x") -> PreTrainedTokenizerFast:
    """Bytes are tokens; `changed` makes another tokenizer of it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())[:97]
    core = Tokenizer(
        BPE(vocab={token: number for number, token in enumerate(["<s>", changed * 9, *alphabet])}, merges=[])
    )
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="<s>", model_max_length=64)


def carrying(family: str, spec: str = "cogformer") -> Any:
    model = attach(tiny_decoder(family), SPECS[spec])
    stir(model, 0.05)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good folder of a tiny Llama with Cog in its inner layer, and a tokenizer."""
    return save(carrying("llama"), tmp_path / "model", tokenizer())


def edit_config(folder: Path, **changes: Any) -> None:
    fields = json.loads((folder / "config.json").read_text())
    kept = {name: value for name, value in {**fields, **changes}.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(kept))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_header(folder: Path, header: Any, body: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + body)


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_folder(folder)
    return str(caught.value)


# What is saved is what is opened


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
    with pytest.raises(CheckpointError, match=r"cannot load 'cogg': no such folder, and shipped models are "):
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


# Refusals


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def config(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit_config(folder, **changes)


def weights(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    return lambda folder: edit_weights(folder, change)


def header(content: Any, body: bytes = b"") -> Callable[[Path], None]:
    return lambda folder: write_header(folder, content, body)


def raw(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights.pt")


def link_out(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    (folder / "model.safetensors").symlink_to("../outside.safetensors")


def truncated(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 100)


def index(content: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "one.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(content(folder)))

    return write


def placed(folder: Path, shard: str = "one.safetensors") -> dict[str, Any]:
    return {"weight_map": dict.fromkeys(stored_tensors(folder / "one.safetensors"), shard)}


def one_less(folder: Path) -> dict[str, Any]:
    content = placed(folder)
    del content["weight_map"]["lm_head.weight"]
    return content


def one_more(folder: Path) -> dict[str, Any]:
    content = placed(folder)
    content["weight_map"]["lm_head.bias"] = "one.safetensors"
    return content


NORM = "model.norm.weight"
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
COG = AttentionSpec("cog").to_json()

REFUSALS: dict[str, tuple[Callable[[Path], Any], str]] = {
    # weights
    "no weights": (without("model.safetensors"), "it holds no model.safetensors"),
    "pickle": (only_pickle, "weights.pt is a checkpoint in a layout of the code that wrote it; load it with that code"),
    "distributed": (raw(".metadata", b""), ".metadata belongs to a torch.distributed checkpoint, which runs code"),
    "distributed shard": (raw("__0_0.distcp", b""), "__0_0.distcp belongs to a torch.distributed checkpoint"),
    "missing tensor": (weights(lambda w: w.pop(NORM)), "missing tensor 'model.norm.weight'; config.json describes"),
    "missing tensors": (
        weights(lambda w: [w.pop(name) for name in list(w) if ".mlp." in name]),
        "missing tensor 'model.layers.0.mlp.down_proj.weight' and 8 more",
    ),
    "unexpected tensor": (weights(lambda w: w.update(extra=torch.ones(1))), "unexpected tensor 'extra'"),
    "wrong shape": (
        weights(lambda w: w.update({NORM: torch.ones(31)})),
        r"'model.norm.weight' has shape \[31\], config.json makes it \[32\]",
    ),
    "nan": (weights(lambda w: w[NORM].fill_(torch.nan)), "'model.norm.weight' holds numbers that are not finite"),
    "infinite": (weights(lambda w: w[NORM][-1:].fill_(-torch.inf)), "holds numbers that are not finite"),
    "integers": (
        weights(lambda w: w.update({NORM: torch.ones(32, dtype=torch.int32)})),
        "'model.norm.weight' is stored as I32; weights are F16, BF16, F32, F64",
    ),
    "overflow": (weights(lambda w: w["lm_head.weight"].fill_(3e38)), "logits that are not finite"),
    # the file
    "truncated": (truncated, "its header promises .* bytes of tensors, the file holds .*fetch it again"),
    "empty": (raw("model.safetensors", b""), "0 bytes are too few for a safetensors file"),
    "lfs pointer": (
        raw("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "it is a Git LFS pointer, not the file; run `git lfs pull`",
    ),
    "lfs tokenizer": (raw("tokenizer.json", b"version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"),
    "link out": (link_out, "model.safetensors leads out of the folder, to .*cp -rL"),
    "folder as file": (
        lambda f: (without("model.safetensors")(f), (f / "model.safetensors").mkdir()),
        "model.safetensors is not a plain file",
    ),
    "header past the end": (
        raw("model.safetensors", (1000).to_bytes(8, "little") + b"{}"),
        "its header claims 1000 bytes",
    ),
    "header too large": (
        raw("model.safetensors", (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}"),
        f"its header claims {MAX_HEADER_BYTES + 1} bytes, at most {MAX_HEADER_BYTES} are read",
    ),
    "header no json": (header(b"{nonsense"), "the header of .* is not valid JSON"),
    "header too deep": (header(b"[" * 100_000), "the header of .* is not valid JSON"),
    "header list": (header([1]), "it is a JSON list, not an object"),
    "duplicate tensor": (header(b'{"a":1,"a":2}'), "the name 'a' stands there twice"),
    "too many tensors": (
        header({str(number): 0 for number in range(MAX_TENSORS + 1)}),
        f"it names {MAX_TENSORS + 1} tensors; at most {MAX_TENSORS} are read",
    ),
    "entry incomplete": (header({"a": {"dtype": "F32"}}), "entry of 'a' is not dtype, shape and offsets"),
    "entry unknown field": (header({"a": {**ENTRY, "more": 1}}, b"." * 8), "entry of 'a' is not dtype"),
    "number format": (header({"a": {**ENTRY, "dtype": "F3"}}, b"." * 8), "'a' is stored as 'F3'; known: BOOL"),
    "negative shape": (header({"a": {**ENTRY, "shape": [-2]}}, b"." * 8), "'a' are not all whole and non-negative"),
    "true is no number": (header({"a": {**ENTRY, "shape": [True]}}, b"." * 8), "not all whole and non-negative"),
    "huge shape": (header({"a": {**ENTRY, "shape": [10**9, 10**9]}}, b"." * 8), "needs 4000000000000000000 bytes"),
    "gap": (header({"a": {**ENTRY, "data_offsets": [8, 16]}}, b"." * 16), "'a' begins at byte 8, expected 0"),
    "overlap": (header({"a": ENTRY, "b": ENTRY}, b"." * 8), "begins at byte 0, expected 8"),
    "unclaimed bytes": (header({"a": ENTRY}, b"." * 9), "promises 8 bytes of tensors, the file holds 9"),
    # shards
    "both": (raw("model.safetensors.index.json", b"{}"), "it holds both model.safetensors and model.safetensors.index"),
    "index out": (
        index(lambda f: placed(f, "../../o.safetensors")),
        r"'\.\./\.\./o.safetensors'; a shard is the plain name",
    ),
    "index absolute": (index(lambda f: placed(f, "/o.safetensors")), "a shard is the plain name"),
    "index number": (index(lambda f: {"weight_map": {"a": 3}}), "places 'a' in 3; a shard is the plain name"),
    "index empty": (index(lambda f: {"weight_map": {}}), "has no weight_map"),
    "index list": (index(lambda f: []), "it is a JSON list, not an object"),
    "shard missing": (index(lambda f: placed(f, "two.safetensors")), "two.safetensors is missing"),
    "shard has more": (index(one_less), "does not place 'lm_head.weight' in one.safetensors"),
    "shard has less": (index(one_more), "promises 'lm_head.bias' in one.safetensors"),
    # config.json
    "no config": (without("config.json"), "config.json is missing beside model.safetensors; copy it from where"),
    "config is a folder": (
        lambda f: (without("config.json")(f), (f / "config.json").mkdir()),
        "config.json is not a plain file",
    ),
    "config no json": (raw("config.json", b"{"), "config.json: it is not valid JSON"),
    "config not utf-8": (raw("config.json", b"\xff\xfe"), "config.json: it is not valid JSON"),
    "config too large": (raw("config.json", b" " * (10 * 2**20 + 1)), "it has 10485761 bytes; at most 10485760"),
    "config twice": (raw("config.json", b'{"n":1,"n":2}'), "the name 'n' stands there twice"),
    "no family": (config(model_type=...), "model_type None is not supported; supported: gpt2, gpt_neox, llama"),
    "other family": (config(model_type="bert"), "model_type 'bert' is not supported; supported: gpt2"),
    "list as family": (config(model_type=["llama"]), r"model_type \['llama'\] is not supported"),
    "multimodal": (
        config(model_type="gemma3"),
        "model_type 'gemma3' is not supported; of gemma3, the text model alone",
    ),
    "custom code": (config(auto_map={"AutoModel": "m.M"}), "'auto_map' asks for the folder's own code, which is never"),
    "quantised": (config(quantization_config={"bits": 4}), "'quantization_config' says that the weights are quantised"),
    "heterogeneous": (config(per_layer_config={"0": {"head_dim": 4}}), "'per_layer_config' gives layers different"),
    "more layers": (config(num_hidden_layers=4), "it describes 4 layers, the weights hold 3"),
    "fewer layers": (config(num_hidden_layers=2), "it describes 2 layers, the weights hold 3"),
    "a billion layers": (config(num_hidden_layers=10**9), "it describes 1000000000 layers"),
    "default layers": (config(num_hidden_layers=...), "it describes 32 layers, the weights hold 3"),
    "fractional layers": (config(num_hidden_layers=3.0), "it describes 3.0 layers"),
    "huge width": (config(hidden_size=2**40), "has shape|config.json makes no model"),
    "other width": (config(hidden_size=64), r"has shape \[99, 32\], config.json makes it \[99, 64\]"),
    "text as width": (config(hidden_size="wide"), "transformers refuses it"),
    "no heads": (config(num_attention_heads=0), "transformers refuses it|config.json makes no model"),
    "huge rope": (
        config(
            rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4, "partial_rotary_factor": 1e12}
        ),
        "numbers of buffers; its rope is wrong",
    ),
    "unknown rope field": (
        config(rope_parameters=..., rope_scaling={"a": 1}),
        "the rope of type 'default' has no field 'a'",
    ),
    "rope scaled by no rule": (
        config(rope_parameters={"rope_theta": 1e4, "factor": 8.0}),
        "the rope of type 'default' has no field 'factor'; it has partial_rotary_factor, rope_theta, rope_type",
    ),
    "field of another rope": (
        config(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4, "beta_fast": 32.0}),
        "the rope of type 'linear' has no field 'beta_fast'",
    ),
    "unknown rope": (config(rope_parameters={"rope_type": "long"}), "config.json makes no model"),
    "field is a method": (config(to_diff_dict=1), "'to_diff_dict' is no field of a llama config"),
    "unknown spec field": (config(attention_spec={**COG, "power": 2}), "attention_spec: unknown field 'power'"),
    "unknown option": (config(attention_spec={**COG, "options": {"powr": 2}}), "cog: unknown option 'powr'"),
    "unknown variant": (
        config(attention_spec={**COG, "variant": "sofmax"}),
        "unknown attention 'sofmax'; known: softmax, cog",
    ),
    "spec is text": (config(attention_spec="cog"), "attention_spec is an object"),
    "spec is null": (config(attention_spec=None), "attention_spec is an object"),
    "half a spec": (config(attention_spec={"variant": "cog"}), "attention_spec: the field layers is missing"),
    "option is a list": (
        config(attention_spec={**COG, "variant": "polynomial", "options": {"power": [3]}}),
        "power",
    ),
    "layer that is not there": (
        config(attention_spec={**COG, "layers": [7]}),
        "layer 7 asked for; the model has layers 0 to 2",
    ),
    # a spec that the weights do not fit
    "temperatures missing": (
        config(attention_spec=AttentionSpec("selective").to_json()),
        "missing tensor 'model.layers.0.self_attn.variant.temperature_q",
    ),
    # beside the model
    "tokenizer code": (
        raw("tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": ["t.T", null]}}'),
        "tokenizer_config.json: 'auto_map' asks for the folder's own code",
    ),
    "tokenizer elsewhere": (raw("tokenizer_config.json", b'{"gguf_file": "/x"}'), "'gguf_file' names another file"),
    "tokenizer versions": (
        raw("tokenizer_config.json", b'{"fast_tokenizer_files": ["../tokenizer.4.0.0.json"]}'),
        "'fast_tokenizer_files' names other tokenizer files",
    ),
    "tokenizer no json": (raw("tokenizer.json", b"{"), "cannot open the tokenizer of .*: transformers refuses it"),
    "half a tokenizer": (
        without("tokenizer.json"),
        "it has tokenizer_config.json but no tokenizer.json; write one with",
    ),
    "generation list": (
        raw("generation_config.json", b"[]"),
        "generation_config.json: it is a JSON list, not an object",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_exactly_a_model_is_refused(case: str, folder: Path) -> None:
    spoil, sentence = REFUSALS[case]
    spoil(folder)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_folder(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("name", ["nothing here", "file"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        CheckpointError, match=r"it is (not there|a file, not a folder); give the folder that holds config"
    ):
        open_folder(tmp_path / name)


def test_a_duplicate_over_two_shards_is_refused(folder: Path) -> None:
    index(placed)(folder)
    shutil.copy(folder / "one.safetensors", folder / "two.safetensors")
    fields = json.loads((folder / "model.safetensors.index.json").read_text())
    fields["weight_map"]["lm_head.weight"] = "two.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(fields))
    assert "does not place 'lm_head.weight' in one.safetensors" in refused(folder)


def test_a_run_of_snapshots_asks_to_choose_one(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for step in (8, 128):
        shutil.copytree(folder, run / f"step-{step:06d}")
    assert "it holds snapshots only; choose one of step-000008, step-000128" in refused(run)
    assert open_folder(run / "step-000008").spec == SPECS["cogformer"]


def test_opening_runs_no_code_and_needs_no_network(folder: Path, tmp_path: Path) -> None:
    edit_config(folder, attn_implementation="kernels-community/flash-attn", dtype="load", _attn_implementation="x/y")
    (folder / "modeling_llama.py").write_text("raise SystemExit('ran')")
    script = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from headscope.models.checkpoints import open_folder\n"
        "print(open_folder(sys.argv[1]).spec.variant, 'transformer_lens' in sys.modules)\n"
    )
    online = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, env=online, check=False
    )
    assert done.stdout.split() == ["cog", "False"], done.stderr


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_corrupt_headers_are_refused_in_our_own_words(data: st.DataObject, folder: Path) -> None:
    good = (folder / "good").read_bytes() if (folder / "good").exists() else (folder / "model.safetensors").read_bytes()
    (folder / "good").write_bytes(good)
    spoiled = bytearray(good)
    end = 8 + int.from_bytes(good[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    (folder / "model.safetensors").write_bytes(spoiled[: data.draw(st.sampled_from([None, end, end // 2, 4]))])
    try:
        open_folder(folder)
    except CheckpointError as error:
        assert "\n" not in str(error) and str(folder) in str(error)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**12) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
LLAMA_FIELDS = (*sorted(CONFIGS["llama"]().to_dict()), "attention_spec", "__class__", "num_labels", "rope_scaling")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(LLAMA_FIELDS), value=ANYTHING)
def test_any_value_of_any_config_field_opens_or_is_refused_in_our_own_words(
    name: str, value: Any, folder: Path
) -> None:
    good = (folder / "config.json").read_text()
    edit_config(folder, **{name: value})
    try:
        open_folder(folder)
    except CheckpointError as error:
        assert "\n" not in str(error) and str(folder) in str(error)
    finally:
        (folder / "config.json").write_text(good)


# Where a model may be written


def test_saving_again_replaces_the_model_and_keeps_the_other_files(folder: Path) -> None:
    (folder / "history.jsonl").write_text("{}")
    (folder / "step-000001").mkdir()
    later = carrying("llama")
    stir(later, 0.3)
    save(later, folder, tokenizer("y"))
    opened = open_folder(folder)
    assert torch.equal(opened.model.lm_head.weight, later.lm_head.weight)
    assert opened.tokenizer is not None and "yyyyyyyyy" in opened.tokenizer.get_vocab()
    assert {"history.jsonl", "step-000001"} <= {entry.name for entry in folder.iterdir()}


def test_what_is_not_saved_again_is_gone(folder: Path) -> None:
    save(carrying("llama"), folder)
    assert open_folder(folder).tokenizer is None
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
    ]


def test_shards_are_replaced_by_the_one_file(tmp_path: Path) -> None:
    model = tiny_decoder("llama")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    save(model, tmp_path)
    assert [file.name for file in tmp_path.glob("*.safetensors*")] == ["model.safetensors"]
    assert open_folder(tmp_path).spec == AttentionSpec("softmax")


def test_a_run_s_folder_takes_its_final_model(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run / "step-000001")
    (run / "state.pt").write_text("state")
    save(carrying("llama"), run)
    assert open_folder(run).spec == SPECS["cogformer"]
    assert (run / "state.pt").read_text() == "state"


def a_file(place: Path) -> None:
    place.write_text("")


def other_files(place: Path) -> None:
    place.mkdir()
    (place / "thesis.txt").write_text("")


def other_family(place: Path) -> None:
    save(carrying("gpt2"), place)


def other_attention(place: Path) -> None:
    save(carrying("llama", "cog"), place)


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (a_file, "it is a file; give a folder"),
        (other_files, "it holds other files; choose a new folder"),
        (other_family, "it holds another kind of model .gpt2 with"),
        (other_attention, "it holds another kind of model .llama with"),
    ],
)
def test_nothing_else_is_written_over(there: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    there(place)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(CheckpointError, match=sentence):
        save(carrying("llama"), place)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("again", [False, True])
def test_a_failed_save_leaves_what_was_there(again: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder if again else folder.parent / "new"
    before = {file: file.read_bytes() for file in folder.parent.rglob("*") if file.is_file()}
    monkeypatch.setattr("headscope.models.checkpoints.saving.write_config", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(carrying("llama"), place)
    assert {file: file.read_bytes() for file in folder.parent.rglob("*") if file.is_file()} == before
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]


KILLED = """
import os, shutil, sys
from pathlib import Path
from headscope.models.checkpoints import open_folder, save

old, new, place = map(Path, sys.argv[1:])
opened = open_folder(new)


def save_killed_before(move: int) -> None:
    def counted(real):
        def moved(*arguments, **options):
            nonlocal move
            if move == 0:
                os._exit(9)
            move -= 1
            return real(*arguments, **options)
        return moved

    for name in ("mkdir", "replace", "unlink", "write_text"):
        setattr(Path, name, counted(getattr(Path, name)))
    save(opened.model, place, opened.tokenizer)
    os._exit(0)


for move in range(100):
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(old, place)
    child = os.fork() or save_killed_before(move)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        print(open_folder(place).fingerprint)
    except ValueError as error:
        print(str(error).split(": ")[-1])
    save(opened.model, place, opened.tokenizer)
    assert open_folder(place).fingerprint == opened.fingerprint
    if status == 0:
        break
    assert status == 9
"""


def test_a_save_killed_at_any_step_leaves_the_old_the_new_or_no_model(folder: Path, tmp_path: Path) -> None:
    later = carrying("llama")
    stir(later, 0.3)
    other = save(later, tmp_path / "other", tokenizer("y"))
    command = [sys.executable, "-c", KILLED, folder, other, tmp_path / "place"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    old, new = open_folder(folder).fingerprint, open_folder(other).fingerprint
    stages = [stage for stage, _ in groupby(done.stdout.splitlines())]
    assert stages == [old, "a save into it was cut off; save the model again", new]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "other", "place"]


def filled(value: float) -> PreTrainedModel:
    model = carrying("llama")
    model.model.norm.weight.data.fill_(value)
    return model


@pytest.mark.parametrize(
    ("value", "dtype", "sentence"),
    [
        (torch.nan, None, "'model.norm.weight' is not finite in torch.float32"),
        (1e5, torch.float16, "'model.norm.weight' is not finite in torch.float16"),
    ],
)
def test_weights_that_would_not_open_again_are_not_saved(
    value: float, dtype: torch.dtype | None, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        save(filled(value), tmp_path / "model", dtype=dtype)
    assert not list(tmp_path.iterdir())


def test_only_models_are_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot save a Linear; save writes transformers models and hooked ones"):
        save(torch.nn.Linear(2, 2), tmp_path / "model")


def test_hooked_models_of_others_are_not_saved(tmp_path: Path) -> None:
    bridge = SimpleNamespace(original_model=carrying("llama"), tokenizer=None)
    with pytest.raises(CheckpointError, match=r"cannot save a SimpleNamespace that headscope\.hooked did not make"):
        save(bridge, tmp_path / "model")


def test_only_tokenizers_with_a_file_are_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot save a tokenizer of class ByT5Tokenizer"):
        save(carrying("llama"), tmp_path / "model", ByT5Tokenizer())


def test_a_base_model_has_no_head_to_save(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"it has no parameter 'lm_head.weight', which its config asks for"):
        save(tiny_decoder("llama").model, tmp_path / "model")


def with_parameter() -> PreTrainedModel:
    model = carrying("llama")
    model.model.layers[1].self_attn.extra = torch.nn.Parameter(torch.ones(3))
    return model


def with_buffer() -> PreTrainedModel:
    model = carrying("gpt2")
    model.register_buffer("extra", torch.ones(3))
    return model


def classifier() -> PreTrainedModel:
    config = CONFIGS["llama"]()
    config.tie_word_embeddings = True
    return attach(LlamaForSequenceClassification(config), SPECS["cog"])


@pytest.mark.parametrize(
    ("made", "name"),
    [(with_parameter, "model.layers.1.self_attn.extra"), (with_buffer, "extra"), (classifier, "score.weight")],
)
@pytest.mark.parametrize("through_hooks", [False, True])
def test_tensors_that_would_be_lost_are_refused_by_name(
    made: Callable[[], PreTrainedModel], name: str, through_hooks: bool, tmp_path: Path
) -> None:
    from headscope.models.hooked import hooked

    model: Any = made()
    if through_hooks and made is not classifier:
        model = hooked(model)
    with pytest.raises(CheckpointError, match=f"cannot save the model: its config knows no tensor '{name}'"):
        save(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_buffers_that_are_computed_anew_are_not_written(tmp_path: Path) -> None:
    model = carrying("gpt2")
    model.transformer.h[0].attn.register_buffer("masked_bias", torch.tensor(-1e4))  # as files of old versions have it
    opened = open_folder(save(model, tmp_path / "model"))
    assert "transformer.h.0.attn.masked_bias" not in opened.model.state_dict()


def test_untied_twins_are_not_saved_as_tied(tmp_path: Path) -> None:
    model = tiny_decoder("gpt2")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight + 1)
    with pytest.raises(CheckpointError, match=r"cannot save the model: the config ties 'lm_head.weight'"):
        save(model, tmp_path / "model")


@pytest.mark.parametrize("thing", [None, 3])
def test_load_of_no_name_and_no_path_is_refused(thing: Any) -> None:
    with pytest.raises(CheckpointError, match="load takes the name of a shipped model or a folder, got a "):
        inspect.unwrap(place_of)(thing)
