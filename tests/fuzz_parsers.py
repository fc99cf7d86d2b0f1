"""The parsers for the fuzzer: what each reads, the right input that its inputs are near to, and what it may raise."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from fuzz_inputs import flipped, gguf_inputs, header_inputs, json_inputs, pickle_inputs, text_inputs
from hypothesis import strategies as st
from model_folders import good_folder
from PIL import Image
from safetensors.torch import load_file
from test_app_convert import tiny_gguf
from test_checkpoints_image_processor import SETTINGS, vit_folder

from headscope import load
from headscope.app.panels.edit_history import read_edits
from headscope.interp.experiments.engine.publishing import read_publication, results_file
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope.interp.trajectories.losses import losses
from headscope.models.checkpoints import open_folder, open_model
from headscope.models.checkpoints.converters.notes_beside import read_yaml
from headscope.models.checkpoints.files.header import stored_tensors
from headscope.models.checkpoints.files.pickled import pickled_tensors
from headscope.models.checkpoints.files.shards import stored_weights
from headscope.models.checkpoints.gguf_file import gguf_header
from headscope.models.checkpoints.steps import last_step
from headscope.models.checkpoints.tokenizer import folder_tokenizer
from headscope.models.data.images.picture import decoded_picture
from headscope.models.hosts.untrained import refuse_huge, untrained_config
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.training.recipe_file import read_recipe

CANARY = "code was run"
Read = Callable[[Path], object]
RECIPE = {
    "model": {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2},
    "data": {"source": "stories", "context": 32, "vocabulary": 300},
    "attention": {"variant": "cog"},
    "steps": 3,
    "lr": 0.001,
}
TOML = (
    "steps = 3\n[model]\nmodel_type = 'llama'\nhidden_size = 32\n[data]\nsource = 'passkeys'\nkeys = 4\nasking = 0.1\n"
)
YAML = """steps: 3
model: {model_type: llama, hidden_size: 64, num_hidden_layers: 1}
data:
  source: delayed_sums
  laws: [[8, 3]]
clip: 1.0
"""
EDITS = [{"kind": "set", "layer": 1, "head": 0, "query": 2, "key": 1, "value": 0.5}, {"kind": "flip", "layer": 0}]
HISTORY = '{"step": 0, "loss": 7.5}\n{"step": 3, "tokens": 40, "seconds": 1.5, "loss": 7.1, "validation_loss": 7.6}\n'
NOTES = "name: pythia\nn_layer: 2\nn_head: 2\nrope_base: 10000\nlists: &a [1, 2]\nagain: *a\n"


@dataclass(frozen=True)
class Parser:
    """One door: how many inputs of a hundred are its own, the file they are put into, and who reads it."""

    share: int
    file: Path
    inputs: st.SearchStrategy[bytes]
    read: Read
    refusals: tuple[type[Exception], ...] = (ForeignInputError,)


def parsers(place: Path) -> dict[str, Parser]:
    """Every parser of what comes from elsewhere, with its right files in `place`."""
    folder, vit = good_folder(place / "model"), vit_folder(place / "vit", SETTINGS["crop"])
    weights, state = (folder / "model.safetensors").read_bytes(), load_file(folder / "model.safetensors")
    index, pickled = place / "sharded", place / "pickled"
    for other in (index, pickled):
        shutil.copytree(folder, other)
        (other / "model.safetensors").unlink()
    shutil.copy(folder / "model.safetensors", index / "one.safetensors")
    torch.save(state, pickled / "pytorch_model.bin")
    placed = {"metadata": {}, "weight_map": dict.fromkeys(state, "one.safetensors")}
    canary, picture = place / CANARY, io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    some = dict(list(state.items())[:3])
    plain = {name: json.loads((folder / name).read_text()) for name in ("config.json", "tokenizer_config.json")}
    tokens = json.loads((folder / "tokenizer.json").read_text())
    recipe, gguf = (ValueError, TypeError), tiny_gguf(place / "tiny.gguf").read_bytes()

    def parser(share: int, file: Path, inputs: Any, read: Read, refusals: Any = (ForeignInputError,)) -> Parser:
        return Parser(share, file, inputs, read, refusals)

    return {
        "safetensors header": parser(
            16, place / "a.safetensors", header_inputs(weights), lambda file: stored_tensors(file)
        ),
        "model.safetensors": parser(2, folder / "model.safetensors", header_inputs(weights), opened),
        "index": parser(
            8, index / "model.safetensors.index.json", json_inputs(placed), lambda file: stored_weights(file.parent)
        ),
        "config.json": parser(12, folder / "config.json", json_inputs(plain["config.json"]), hooked_model),
        "tokenizer.json": parser(12, folder / "tokenizer.json", json_inputs(tokens), encoded),
        "tokenizer_config.json": parser(
            4, folder / "tokenizer_config.json", json_inputs(plain["tokenizer_config.json"]), encoded
        ),
        "recipe.json": parser(6, place / "recipe.json", json_inputs(RECIPE), recipe_read, recipe),
        "recipe.toml": parser(5, place / "recipe.toml", text_inputs(TOML), recipe_read, recipe),
        "recipe.yaml": parser(5, place / "recipe.yaml", text_inputs(YAML), recipe_read, recipe),
        "history": parser(
            6, place / "history.jsonl", text_inputs(HISTORY), lambda file: losses({"run": file.parent}), (ValueError,)
        ),
        "training.json": parser(
            2, place / "training.json", json_inputs({"steps": 9}), lambda file: last_step(file.parent)
        ),
        "results.json": parser(
            3, place / "results.json", json_inputs(json.loads(results_file("E5").read_text())), read_publication
        ),
        "edits in a link": parser(
            5, place / "edits", json_inputs(EDITS), lambda file: read_edits(text_in(file)), (ValueError,)
        ),
        "preprocessor_config": parser(2, vit / "preprocessor_config.json", json_inputs(SETTINGS["crop"]), opened),
        "GGUF header": parser(6, place / "a.gguf", gguf_inputs(gguf), gguf_header),
        "GGUF file": parser(2, place / "b.gguf", gguf_inputs(gguf), open_model),
        "pickle of tensors": parser(
            4, pickled / "pytorch_model.bin", pickle_inputs(some, canary), lambda file: pickled_tensors(file)
        ),
        "pickle of anything": parser(4, place / "checkpoint.pt", pickle_inputs(some, canary), open_model),
        "notes beside": parser(
            2, place / "model_config.yaml", text_inputs(NOTES), lambda file: read_yaml(file.parent, file.name)
        ),
        "picture": parser(
            2,
            place / "picture",
            flipped(picture.getvalue()),
            lambda file: decoded_picture(file.read_bytes()),
            (ValueError,),
        ),
    }


def opened(file: Path) -> None:
    """Open the folder of the file."""
    open_folder(file.parent)


def hooked_model(file: Path) -> None:
    """Open the folder of the file behind hooks."""
    load(file.parent)


def encoded(file: Path) -> None:
    """Read a text with the folder's tokenizer."""
    tokenizer = folder_tokenizer(file.parent)
    try:
        prompt_tokens("def f(x): return ab 12", tokenizer, prepend_bos=True, vocabulary=99, context=64)
    except ValueError as error:
        if "\n" in str(error):
            raise AssertionError(str(error)) from error


def recipe_read(file: Path) -> None:
    """Read a recipe up to the config of its model."""
    recipe = read_recipe(file)
    refuse_huge(untrained_config(recipe.model, {}))
    assert recipe.spec.to_json()


def text_in(file: Path) -> str:
    """What a link holds is text."""
    return file.read_bytes().decode("utf-8", "replace")
