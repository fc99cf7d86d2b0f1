"""Trainings that take a second: a few kilobytes of text, a model of two narrow layers, a handful of steps."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from headscope.models.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
WORDS = ("def", "return", "self", "value", "if", "else", "the", "list", "of", "names", "\n", "    ", "é", "0x1f")


def tiny_text(sentences: int = 400) -> str:
    """Text with some structure, the same every time."""
    return "".join(f"{WORDS[i * i % 7]} {WORDS[i * 5 % 14]} {i % 11}.\n" for i in range(sentences))


def write_text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text(tiny_text(), encoding="utf-8")
    return path


def tiny_plain(text: Path, **changes: Any) -> dict[str, Any]:
    """A recipe as plain values; `changes` replace fields."""
    model = {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
        "tie_word_embeddings": False,
    }
    fields = {
        "model": model,
        "attention": {"variant": "cog"},
        "corpus": {"source": "text", "path": str(text)},
        "steps": 6,
        "vocabulary": 270,
        "context": 16,
        "batch": 4,
        "lr": 1e-2,
        "warmup": 2,
        "snapshots": 1,
        "save_every": 2,
        "validate_every": 3,
        "validation_windows": 4,
    }
    return fields | changes


def tiny_recipe(text: Path, **changes: Any) -> Recipe:
    return Recipe.from_plain(tiny_plain(text, **changes))


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
