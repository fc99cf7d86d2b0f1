"""Model folders: what is not exactly a model is refused in one sentence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import edit_config, edit_weights, good_folder, refused, write_header
from tiny_decoders import CONFIGS, SPECS

from headscope import AttentionSpec
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.checkpoints.files.header import MAX_HEADER_BYTES, MAX_TENSORS, stored_tensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path / "model")


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
    "pickle": (only_pickle, "weights.pt is a checkpoint in a layout of the code that wrote it; headscope.load"),
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
    "linked folder": (
        lambda folder: (folder / "step-000100").symlink_to(folder.parent.parent, target_is_directory=True),
        "step-000100 leads out of the folder, to .*cp -rL",
    ),
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
    "many dimensions": (
        header({"a": {**ENTRY, "shape": [1] * 100_000}}, b"." * 8),
        "'a' has 100000 dimensions; at most 8 are read",
    ),
    "deep header": (header(b'{"a":' * 200 + b"1" + b"}" * 200), "it is more than 64 tables or lists deep"),
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
    "other family": (config(model_type="t5"), "model_type 't5' is not supported; supported: gpt2"),
    "list as family": (config(model_type=["llama"]), r"model_type \['llama'\] is not supported"),
    "multimodal": (
        config(model_type="gemma3"),
        "model_type 'gemma3' is not supported; of gemma3, the text model alone",
    ),
    "multimodal Llama": (
        config(model_type="llama4"),
        r"the text model alone is opened: Llama4ForCausalLM.from_pretrained",
    ),
    "custom code": (config(auto_map={"AutoModel": "m.M"}), "'auto_map' asks for the folder's own code, which is never"),
    "4 bits": (config(quantization_config={"quant_method": "mxfp4"}), r"Mxfp4Config\(dequantize=True\)"),
    "quantised": (config(quantization_config={"bits": 4}), "'quantization_config' says that the weights are quantised"),
    "heterogeneous": (config(per_layer_config={"0": {"head_dim": 4}}), "'per_layer_config' gives layers different"),
    "more layers": (config(num_hidden_layers=4), "it describes 4 layers, the weights hold 3"),
    "fewer layers": (config(num_hidden_layers=2), "it describes 2 layers, the weights hold 3"),
    "a billion layers": (config(num_hidden_layers=10**9), "it describes 1000000000 layers"),
    "default layers": (config(num_hidden_layers=...), "it describes 32 layers, the weights hold 3"),
    "fractional layers": (config(num_hidden_layers=3.0), "it describes 3.0 layers"),
    "deep config": (config(rope_parameters=json.loads("[" * 100 + "]" * 100)), "more than 64 tables or lists deep"),
    "huge width": (config(hidden_size=2**40), "has shape|config.json makes no model"),
    "other width": (config(hidden_size=64), r"has shape \[99, 32\], config.json makes it \[99, 64\]"),
    "a billion words": (config(vocab_size=10**9), r"has shape \[99, 32\], config.json makes it \[1000000000, 32\]"),
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
    "tokenizer no json": (raw("tokenizer.json", b"{"), "cannot open the tokenizer of .*: tokenizer.json is refused"),
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
