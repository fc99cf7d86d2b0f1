"""`headscope convert`, `inspect` and the app on checkpoints of others' codes, on GGUF files and on runs."""

import json
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from foreign_models import COG_CFG, HEADS, IDS, NANOGPT_ARGS, cog_logits, cog_state, nanogpt_state, uvit_state
from test_app_command import assert_refused, headscope
from test_checkpoints_converters import CLOSE, refused, stored
from tiny_models import tiny_folder

from headscope import load
from headscope.app.serving.model_source import fingerprint, modality_in, typed_folder
from headscope.app.serving.runs import opened_model
from headscope.models.checkpoints import gguf_file, open_folder, open_model
from headscope.models.hosts.modality import NOISY_IMAGE, TEXT

ASSUMED = "opened as a nanoGPT checkpoint; assumed activation=gelu (of the MLP), norm_eps=1e-05 (ε of the norms)"


@pytest.fixture
def cog(tmp_path: Path) -> Path:
    return stored({"model_cfg": COG_CFG, "model": cog_state()}, tmp_path, "ckpt.pt")


@pytest.fixture
def nanogpt(tmp_path: Path) -> Path:
    return stored({"model": nanogpt_state(), "model_args": NANOGPT_ARGS}, tmp_path, "ckpt.pt")


# The command


def test_convert_writes_a_folder_and_says_what_it_took_the_file_for(cog: Path, tmp_path: Path) -> None:
    done = headscope("convert", cog, tmp_path / "new")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "opened as a checkpoint of Cog attention's authors",
        f"written: {tmp_path / 'new'}",
    ]
    torch.testing.assert_close(open_folder(tmp_path / "new").model(IDS).logits, cog_logits(cog_state(), IDS), **CLOSE)


def test_convert_keeps_the_format_of_numbers_unless_another_is_asked_for(tmp_path: Path) -> None:
    half = {name: tensor.half() for name, tensor in nanogpt_state().items()}
    file = stored({"model": half, "model_args": NANOGPT_ARGS}, tmp_path)
    assert headscope("convert", file, tmp_path / "kept").exit_code == 0
    assert headscope("convert", file, tmp_path / "wide", "--dtype", "float32").exit_code == 0
    formats = [open_folder(tmp_path / name, dtype="auto").model.dtype for name in ("kept", "wide")]
    assert formats == [torch.float16, torch.float32]


def test_convert_refuses_a_folder_of_something_else(cog: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("words")
    assert_refused(headscope("convert", cog, tmp_path / "full"), f"{tmp_path / 'full'}")


def test_the_command_names_what_is_missing_and_takes_it(tmp_path: Path) -> None:
    file = stored(cog_state(), tmp_path, "bare.pt")
    assert_refused(headscope("convert", file, tmp_path / "new"), "--given n_heads=… --given attention=…")
    given = ("--given", f"n_heads={HEADS}", "--given", "attention=np")
    done = headscope("convert", file, tmp_path / "new", *given)
    assert "assumed norm_eps=1e-06 (ε of the norms)" in done.stdout
    assert_refused(headscope("convert", file, tmp_path / "new", "--given", "n_heads"), "--given takes NAME=VALUE")
    assert_refused(headscope("convert", file, tmp_path / "new", *given, *given[:2]), "n_heads was given twice")


def test_inspect_opens_a_file_and_says_what_it_assumed(nanogpt: Path) -> None:
    done = headscope("inspect", nanogpt, "--what", "row_statistics", "--json", "--prompt", "1 2 3")
    assert f"ckpt.pt: {ASSUMED}" in done.stderr and json.loads(done.stdout)


def test_facts_go_to_the_model_that_is_asked(nanogpt: Path, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "folder", "softmax")
    refusal = headscope("inspect", folder, "--prompt", "x", "--what", "row_statistics", "--given", "n_heads=4")
    assert_refused(refusal, "n_heads was given, which it says itself")


# Runs


def run(place: Path, *steps: str) -> Path:
    for number, step in enumerate(steps):
        tiny_folder(place / step, ("softmax", "cog", "expressive")[number])
    return place


@pytest.mark.parametrize("steps", [("checkpoint-9", "checkpoint-80"), ("step-000009", "step-000080")])
def test_a_run_without_a_model_of_its_own_is_its_newest_snapshot(steps: tuple[str, ...], tmp_path: Path) -> None:
    model = load(run(tmp_path / "run", *steps))
    assert model.attention_spec.variant == "cog"
    assert model.cfg.opened_as == f"opened as a Hugging Face folder; took {steps[1]}, the newest of 2 snapshots"


def test_a_run_whose_snapshots_are_foreign_files_is_its_newest(tmp_path: Path) -> None:
    for step, weight in (("step-000100", 0.5), ("step-000200", 1.0)):
        (tmp_path / "run" / step).mkdir(parents=True)
        state = {name: tensor * weight for name, tensor in nanogpt_state().items()}
        stored({"model": state, "model_args": NANOGPT_ARGS}, tmp_path / "run" / step, "lit_model.pth")
    assert open_model(tmp_path / "run").opened_as.endswith("took step-000200, the newest of 2 snapshots")


# GGUF


def tiny_gguf(place: Path, architecture: str = "llama") -> Path:
    """Two layers of random numbers, written with the package gguf, without a tokenizer."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(place, architecture)
    writer.add_name("tiny")
    writer.add_context_length(24)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(50)
    torch.manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (50, 32), "output": (50, 32), "output_norm": (32,)}
    for layer in range(2):
        rows = {"attn_q": 32, "attn_k": 16, "attn_v": 16, "attn_output": 32, "ffn_gate": 48, "ffn_up": 48}
        shapes |= {f"blk.{layer}.{name}": (size, 32) for name, size in rows.items()}
        shapes |= {f"blk.{layer}.ffn_down": (32, 48), f"blk.{layer}.attn_norm": (32,), f"blk.{layer}.ffn_norm": (32,)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", (torch.randn(shape) * 0.3).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return place


def test_a_gguf_file_is_what_transformers_makes_of_it(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    file = tiny_gguf(tmp_path / "named.anyhow")
    opened = open_model(file)
    expected = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(opened.model(IDS).logits, expected(IDS).logits, **CLOSE)
    assert (opened.opened_as, opened.tokenizer) == ("opened as a GGUF file", None)


def test_what_lies_beside_a_gguf_file_is_not_looked_at(tmp_path: Path) -> None:
    file = tiny_gguf(tmp_path / "model.gguf")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "x"}))
    assert open_model(file).spec.variant == "softmax"


def test_without_its_package_a_gguf_file_is_refused_with_the_line_that_fetches_it(tmp_path: Path) -> None:
    file = tiny_gguf(tmp_path / "model.gguf")
    with patch.object(gguf_file, "is_gguf_available", return_value=False):
        refused(file, "it is a GGUF file, which is read with the package gguf: pip install gguf")


def test_a_gguf_file_of_another_family_is_refused_by_name(tmp_path: Path) -> None:
    refused(tiny_gguf(tmp_path / "model.gguf", "mamba"), "model_type 'mamba' is not supported; supported: gpt2")


def test_a_broken_gguf_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    refused(tmp_path / "model.gguf", r"its header is refused \(it is of version 0; known: 2, 3\)")


# The app


def test_the_app_takes_a_file_and_says_what_it_was_opened_as(nanogpt: Path) -> None:
    place = typed_folder(f" {nanogpt} ")
    assert modality_in(place) is TEXT
    assert opened_model(str(place), fingerprint(place)).facts.opened_as == ASSUMED


def test_what_a_file_holds_is_known_before_it_is_opened(tmp_path: Path) -> None:
    assert modality_in(stored(uvit_state(), tmp_path)) is NOISY_IMAGE
    assert modality_in(stored({"a": torch.ones(2, 2)}, tmp_path, "unknown.pt")) is TEXT


def test_the_fingerprint_of_a_file_changes_with_it(nanogpt: Path, tmp_path: Path) -> None:
    before = fingerprint(nanogpt)
    shutil.copy(nanogpt, tmp_path / "another.pt")
    assert fingerprint(nanogpt) == before
    stored({"model": nanogpt_state(bias=False)}, tmp_path, "ckpt.pt")
    assert fingerprint(nanogpt) != before
