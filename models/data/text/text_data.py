"""Text data: which documents a language model is shown, in which tokens, and in which windows of them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TextData:
    """`corpus` names a source of documents; `vocabulary`, `context` and `split_seed` decide their tokens and those held
    out; `batch` counts `windows` (of which kind) of `context` tokens, drawn from `seed`, and `validation_windows` those
    that are measured."""

    corpus: dict[str, Any]
    vocabulary: int
    context: int
    split_seed: int
    windows: str
    batch: int
    seed: int
    validation_windows: int
