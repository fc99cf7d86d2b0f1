"""Folders that others wrote: the hub's cache, torch's own files, a Trainer's runs; and what holds no model, by name."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_decoders import SPECS, random_ids, stir, tiny_decoder
from transformers import ViTConfig, ViTModel

from headscope import attach, load, save
from headscope.interp.trajectories.snapshots import run_folder
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.checkpoints.steps import own_run

SINGLE, BIN = "model.safetensors", "pytorch_model.bin"
INDEX = "pytorch_model.bin.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good folder of a tiny Llama with Cog in its inner layer."""
    model = attach(tiny_decoder("llama"), SPECS["cogformer"])
    stir(model, 0.05)
    return save(model, tmp_path / "model")


def as_bin(folder: Path, state: Any = None, name: str = BIN) -> Path:
    """The folder with its safetensors file turned into a pickle, of `state` where it is another."""
    torch.save(load_file(folder / SINGLE) if state is None else state, folder / name)
    (folder / SINGLE).unlink()
    return folder


def refused(place: Path, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_folder(place)
    assert str(place) in str(caught.value)
    assert "weights_only" not in str(caught.value) and "\n" not in str(caught.value)


# The hub's cache


def cached(folder: Path) -> Path:
    """The folder as the hub's cache keeps it: links of a snapshot into blobs."""
    repository = folder.parent / "models--owner--tiny"
    snapshot, blobs = repository / "snapshots" / "0a1b", repository / "blobs"
    for place in (snapshot, blobs, repository / "refs"):
        place.mkdir(parents=True)
    (repository / "refs" / "main").write_text("0a1b")
    for number, file in enumerate(sorted(folder.iterdir())):
        shutil.copy(file, blobs / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    return repository


def test_a_snapshot_of_the_hub_s_cache_opens_with_its_links(folder: Path) -> None:
    repository = cached(folder)
    expected = open_folder(folder).fingerprint
    assert open_folder(repository / "snapshots" / "0a1b").fingerprint == expected
    assert open_folder(repository).fingerprint == expected
    assert load(repository).cfg.model_name == "owner/tiny"


def test_links_out_of_the_repository_are_refused(folder: Path) -> None:
    snapshot = cached(folder) / "snapshots" / "0a1b"
    (snapshot / SINGLE).unlink()
    (snapshot / SINGLE).symlink_to(folder / SINGLE)
    refused(snapshot, "model.safetensors leads out of the folder")


@pytest.mark.parametrize("revision", ["../../outside", "ffff", ""])
def test_a_repository_without_its_main_snapshot_says_which_there_are(revision: str, folder: Path) -> None:
    repository = cached(folder)
    (repository / "snapshots" / "2c3d").mkdir()
    (repository / "refs" / "main").write_text(revision)
    refused(repository, "in snapshots/ there are: 0a1b, 2c3d")


# torch's own files


def test_a_pickle_of_tensors_is_the_same_model_as_its_safetensors(folder: Path, tmp_path: Path) -> None:
    before = open_folder(folder)
    fingerprint = before.fingerprint
    after = open_folder(as_bin(folder))
    assert after.fingerprint == fingerprint
    assert all(map(torch.equal, before.model.state_dict().values(), after.model.state_dict().values()))


def sharded(folder: Path) -> Path:
    state = load_file(folder / SINGLE)
    (folder / SINGLE).unlink()
    names = sorted(state)
    placed = {name: f"part-{number % 2}.bin" for number, name in enumerate(names)}
    for shard in set(placed.values()):
        torch.save({name: state[name] for name in names if placed[name] == shard}, folder / shard)
    (folder / INDEX).write_text(json.dumps({"weight_map": placed}))
    return folder


def test_pickles_in_shards_open_and_are_gone_after_a_save(folder: Path) -> None:
    expected = open_folder(folder)
    fingerprint = expected.fingerprint
    assert open_folder(sharded(folder)).fingerprint == fingerprint
    save(expected.model, folder)
    assert not list(folder.glob("*.bin*"))


def test_safetensors_are_taken_where_both_are_there_unless_their_shards_are_missing(folder: Path) -> None:
    expected = open_folder(folder).fingerprint
    (folder / BIN).write_bytes(b"something else")
    assert open_folder(folder).fingerprint == expected
    as_bin(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "lost.safetensors"}}))
    assert open_folder(folder).fingerprint == expected


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_the_prefixes_of_compiled_and_parallel_models_are_taken_off(prefix: str, folder: Path) -> None:
    expected = open_folder(folder).fingerprint
    state = load_file(folder / SINGLE)
    save_file({prefix + name: tensor for name, tensor in state.items()}, folder / SINGLE)
    assert open_folder(folder).fingerprint == expected


class Runs:
    """What a pickle can do: it makes a folder when it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


def test_a_pickle_that_runs_code_is_refused_before_it_does(folder: Path, tmp_path: Path) -> None:
    refused(as_bin(folder, {"a": Runs(tmp_path / "was here")}), "it holds more than tensors .posix.mkdir.")
    assert not (tmp_path / "was here").exists()


def compressed(folder: Path) -> None:
    with zipfile.ZipFile(folder / BIN) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(folder / BIN, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def older(folder: Path) -> None:
    state = torch.load(folder / BIN, weights_only=True)
    torch.save(state, folder / BIN, _use_new_zipfile_serialization=False)


def cut(folder: Path) -> None:
    (folder / BIN).write_bytes((folder / BIN).read_bytes()[:-200])


def page(folder: Path) -> None:
    (folder / BIN).write_bytes(b"<!DOCTYPE html>")


def state(make: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        torch.save(make(torch.load(folder / BIN, weights_only=True)), folder / BIN)

    return write


NORM = "model.norm.weight"
SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "compressed": (compressed, "is compressed, as torch never does; write it anew where you trust it"),
    "before 1.6": (older, "it is no zip archive, as torch writes them since its version 1.6; write it anew"),
    "cut": (cut, "its zip archive is broken; fetch it again"),
    "page": (page, "it is no zip archive"),
    "no pickle": (lambda f: zipfile.ZipFile(f / BIN, "w").close(), "it is no zip archive"),
    "other archive": (lambda f: zipfile.ZipFile(f / BIN, "w").writestr("a", "b"), "holds no pickle of torch|broken"),
    "claim": (state(lambda s: {**s, NORM: torch.zeros(1).expand(10**6, 10**6)}), "claims 4000000000000 bytes, 4 are"),
    "layout": (state(lambda s: {"model": s, "step": 3}), "its entry 'model' is a OrderedDict|dict, no tensor"),
    "list": (state(lambda s: list(s)), "it holds a list, no tensors by name"),
    "empty": (state(lambda s: {}), "it holds a dict, no tensors by name"),
    "sparse": (state(lambda s: {**s, NORM: torch.ones(32).to_sparse()}), "'model.norm.weight' is no plain tensor"),
    "complex": (state(lambda s: {**s, NORM: s[NORM] * 1j}), "'model.norm.weight' is no plain tensor"),
    "shape": (state(lambda s: {**s, NORM: torch.ones(31)}), r"'model.norm.weight' has shape \[31\]"),
    "missing": (state(lambda s: {k: v for k, v in s.items() if k != NORM}), "missing tensor 'model.norm.weight'"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_pickle_that_is_not_exactly_a_model_is_refused(case: str, folder: Path) -> None:
    spoil, sentence = SPOILED[case]
    spoil(as_bin(folder))
    refused(folder, sentence)


# Runs


def run(folder: Path) -> Path:
    """A Trainer's run: two checkpoints, each with the optimizer's state beside it."""
    for step in (100, 20):
        place = folder.parent / "run" / f"checkpoint-{step}"
        shutil.copytree(folder, place)
        torch.save({"state": {}}, place / "optimizer.pt")
        torch.save({"lr": Runs(folder)}, place / "training_args.bin")
    return folder.parent / "run"


def test_checkpoints_of_a_trainer_are_snapshots(folder: Path) -> None:
    place = run(folder)
    assert run_folder(place).steps == {20: place / "checkpoint-20", 100: place / "checkpoint-100"}
    refused(place, r"it holds snapshots only; choose one of checkpoint-20, checkpoint-100, as in load\(…, step=100\)")
    as_bin(place / "checkpoint-100")
    assert load(place, step=100).cfg.model_name == "checkpoint-100"


def test_a_snapshot_belongs_to_the_run_around_it(folder: Path) -> None:
    place = run(folder)
    assert own_run(place / "checkpoint-20") == own_run(place) == place
    assert own_run(folder) is None


def test_a_trainer_s_own_model_has_the_step_that_its_state_says(folder: Path) -> None:
    place = run(folder)
    shutil.copytree(folder, place, dirs_exist_ok=True)
    (place / "trainer_state.json").write_text(json.dumps({"global_step": 110}))
    assert run_folder(place).steps[110] == place
    assert load(place, step=110).cfg.model_name == "run"


def test_a_shipped_model_opens_at_a_step_of_its_training() -> None:
    ids = torch.arange(8)[None]
    at_step = load("cog-longer", step=192)(ids)
    assert torch.equal(at_step, load(Path("models/zoo/cog-longer/step-000192"))(ids))
    assert not torch.equal(at_step, load("cog-longer", step=12288)(ids))
    with pytest.raises(CheckpointError, match="step 130 asked; there are 192, 384, 768, 1536, 3072, 6144, 12288"):
        load("cog-longer", step=130)


# What holds no model


def emptied(folder: Path) -> Path:
    for file in folder.iterdir():
        file.unlink()
    return folder


def adapter(folder: Path) -> Path:
    (emptied(folder) / "adapter_config.json").write_text("{}")
    save_file({"a": torch.ones(1)}, folder / "adapter_model.safetensors")
    return folder


def only(name: str) -> Callable[[Path], Path]:
    def place(folder: Path) -> Path:
        (emptied(folder) / name).write_bytes(b"x")
        return folder

    return place


def without_config(folder: Path) -> Path:
    (folder / "config.json").unlink()
    return folder


def other_file(name: str) -> Callable[[Path], Path]:
    def place(folder: Path) -> Path:
        (folder.parent / name).write_bytes(b"x")
        return folder.parent / name

    return place


CONTENTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda f: f / "nothing", "it is not there; give the folder that holds config.json"),
    "empty folder": (emptied, "it is empty; give the folder that holds config.json"),
    "adapter": (adapter, r"it holds an adapter .* merge it into its base model: PeftModel.from_pretrained\(base"),
    "a .pt": (only("ckpt.pt"), "ckpt.pt is a checkpoint in a layout of the code that wrote it; headscope.load"),
    "a GGUF": (only("tiny.Q8_0.gguf"), r"tiny.Q8_0.gguf is a GGUF file; headscope.load\('tiny.Q8_0.gguf'\)"),
    "a text": (only("notes.txt"), "config.json is missing, and so are weights"),
    "no config": (without_config, "config.json is missing beside model.safetensors; copy it from where the weights"),
    "safetensors file": (
        lambda f: f / SINGLE,
        "a file, not a folder; give the folder that holds config.json: .*model$",
    ),
    "GGUF file": (other_file("tiny.gguf"), r"it is a GGUF file; headscope.load\('tiny.gguf'\) opens it"),
    "lone safetensors": (other_file("a.safetensors"), "it is weights alone, a file, not a folder"),
    "text file": (other_file("notes.txt"), "it is a file, not a folder; give the folder that holds config.json"),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_what_is_no_model_says_what_it_is_and_what_to_do(case: str, folder: Path) -> None:
    make, sentence = CONTENTS[case]
    refused(make(folder), sentence)


def test_what_a_trainer_keeps_is_not_taken_for_weights(folder: Path) -> None:
    (folder / SINGLE).unlink()
    torch.save({"state": {}}, folder / "optimizer.pt")
    torch.save({}, folder / "training_args.bin")
    refused(folder, r"no model.safetensors and no pytorch_model.bin beside its config.json; fetch the weights too")


def test_a_vision_transformer_without_a_classifier_is_called_that(tmp_path: Path) -> None:
    config = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4)
    ViTModel(config).save_pretrained(tmp_path)
    refused(tmp_path, "a base model's, without the head .'classifier.bias' is missing.; .* a ViTForImageClassification")


def test_a_model_with_an_adapter_is_saved_after_merging_it(tmp_path: Path) -> None:
    parts = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    model: Any = tiny_decoder("llama")
    with pytest.raises(CheckpointError, match=r"cannot save a PeftModel, which carries an adapter; save\(model.merge_"):
        save(get_peft_model(model, parts), tmp_path / "model")
    added: Any = tiny_decoder("llama")
    added.add_adapter(parts)
    with pytest.raises(CheckpointError, match=r"it carries an adapter \('model.layers.0.self_attn.q_proj.base_layer"):
        save(added, tmp_path / "model")
    merged = get_peft_model(tiny_decoder("llama"), parts).merge_and_unload()
    ids = random_ids()
    opened = open_folder(save(merged, tmp_path / "model")).model
    torch.testing.assert_close(opened(ids).logits, merged(ids).logits, rtol=0, atol=1e-5)
