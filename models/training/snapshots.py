"""Snapshots of a run: whole model folders, named by their step, closer together early on."""

import shutil
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from models import save


def snapshot_steps(steps: int, count: int) -> tuple[int, ...]:
    """`count` steps before the last one, each half of the next: 64 steps and a count of 3 give 8, 16, 32."""
    halvings = (steps / 2**k for k in range(count, 0, -1))
    return tuple(sorted({round(step) for step in halvings if step >= 1}))


def snapshot_folder(folder: Path, step: int) -> Path:
    """The place of a step's snapshot in a run's folder."""
    return folder / f"step-{step:06d}"


def save_whole(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save a model folder that is there whole or not at all."""
    partial = folder.with_name(f"partial-{folder.name}")
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    save(model, partial, tokenizer=tokenizer)
    partial.rename(folder)
