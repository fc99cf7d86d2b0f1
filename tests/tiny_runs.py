"""Trainings that take a second: a few kilobytes of text, a model of two narrow layers, a handful of steps."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from headscope.models.data.material import Material, token_fields
from headscope.models.data.table import fields_of
from headscope.models.data.text.text_data import TextData
from headscope.models.fitting.objective import Objective
from headscope.models.training.beginning import fresh_model
from headscope.models.training.recipe import OF_TEXT, Recipe

ROOT = Path(__file__).parents[1]
WORDS = ("def", "return", "self", "value", "if", "else", "the", "list", "of", "names", "\n", "    ", "é", "0x1f")


def tiny_text(sentences: int = 400) -> str:
    """Text with some structure, the same every time."""
    return "".join(f"{WORDS[i * i % 7]} {WORDS[i * 5 % 14]} {i % 11}.\n" for i in range(sentences))


def write_text(folder: Path, sentences: int = 400) -> Path:
    path = folder / "text.txt"
    path.write_text(tiny_text(sentences), encoding="utf-8")
    return path


def tiny_plain(text: Path, **changes: Any) -> dict[str, Any]:
    """A recipe as plain values; `changes` replace fields, those of a text in its data."""
    model = {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
        "tie_word_embeddings": False,
    }
    of_text = {name: changes.pop(name) for name in OF_TEXT if name in changes}
    data = {"source": "text", "path": str(text), "vocabulary": 270, "context": 16, "validation_windows": 4}
    fields = {
        "model": model,
        "attention": {"variant": "cog"},
        "data": data | of_text,
        "steps": 6,
        "batch": 4,
        "lr": 1e-2,
        "warmup": 2,
        "snapshots": 1,
        "save_every": 2,
        "measure_every": 3,
    }
    return fields | changes


def tiny_recipe(text: Path, **changes: Any) -> Recipe:
    return Recipe.from_plain(tiny_plain(text, **changes))


def text_of(recipe: Recipe) -> TextData:
    """What a recipe says of its text."""
    return fields_of(recipe.data)


def untrained(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """The model of a recipe before its first step, for texts in the tokenizer's tokens."""
    tokens = token_fields(len(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id)
    nothing = Objective(lambda step: {}, lambda model, batch: batch["loss"])
    return fresh_model(recipe, Material(nothing, tokens, context=text_of(recipe).context))


def python(*arguments: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    """A Python of the same environment with this project on its path, its caches in `home`."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
