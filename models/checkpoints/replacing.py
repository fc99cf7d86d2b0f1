"""Putting a finished model folder in its place: whole or not at all, and never over something else."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from headscope.models.checkpoints.files.contents import CONFIG, INTERRUPTED
from headscope.models.checkpoints.files.entries import read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import PICKLED, SAFETENSORS, SINGLE, shard_names
from headscope.models.checkpoints.image_processor import PROCESSOR
from headscope.models.checkpoints.tokenizer import FAST, OTHERS, READ_BESIDE, SETTINGS
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.zoo import snapshots

WEIGHTS = (SAFETENSORS.single, SAFETENSORS.index, PICKLED.single, PICKLED.index)
OWN_FILES = (*WEIGHTS, "generation_config.json", PROCESSOR, FAST, SETTINGS, *OTHERS, *READ_BESIDE)
RUN_FILES = ("recipe.json", "recipe.toml", "recipe.yaml", "recipe.yml", "history.jsonl")


def refuse_other_folder(folder: Path, fields: Fields) -> None:
    """Raise CheckpointError unless `fields`' model may be written to `folder`."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError(f"cannot save to {folder}: it is a file; give a folder")
    described = [name for name in (CONFIG, INTERRUPTED) if (folder / name).exists()]
    if described:
        there, request = kind(read_object(folder, described[0])), kind(fields)
        if there != request:
            raise CheckpointError(
                f"cannot save to {folder}: it holds another kind of model ({there}; this one is {request}); "
                "choose another folder"
            )
    elif (folder / SINGLE).exists() or (any(folder.iterdir()) and not is_run(folder)):
        raise CheckpointError(f"cannot save to {folder}: it holds other files; choose a new folder")


def kind(fields: Fields) -> str:
    """Two models are of one kind when their family and their attention are the same."""
    spec = fields.get("attention_spec", AttentionSpec("softmax").to_json())
    return f"{fields.get('model_type')} with {json.dumps(spec, sort_keys=True)}"


def is_run(folder: Path) -> bool:
    """Does the folder hold a run's snapshots, recipe or history?"""
    return bool(snapshots(folder)) or any((folder / name).exists() for name in RUN_FILES)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to write to; it takes the place of `folder` when the block ends well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(folder)
    partial = folder.parent / f".{folder.name}.{token_hex(4)}.partial"
    partial.mkdir()
    try:
        yield partial
        if folder.exists() and any(folder.iterdir()):
            _replace_files(partial, folder)
        else:
            partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _clear_leftovers(folder: Path) -> None:
    """Remove what saves to this folder left behind when they were killed."""
    leftover = re.compile(rf"\.{re.escape(folder.name)}\.[0-9a-f]{{8}}\.partial")
    for entry in folder.parent.iterdir():
        if leftover.fullmatch(entry.name):
            shutil.rmtree(entry)


def _replace_files(partial: Path, folder: Path) -> None:
    """config.json goes first and comes last: whoever opens the folder meanwhile finds no model, never a mixed one."""
    stale = set(OWN_FILES) if (folder / CONFIG).exists() else set()
    stale |= shard_names(folder)
    if (folder / CONFIG).exists():
        (folder / CONFIG).replace(folder / INTERRUPTED)
    new = {entry.name for entry in partial.iterdir()}
    for name in stale - new:
        (folder / name).unlink(missing_ok=True)
    for name in sorted(new - {CONFIG}):
        (partial / name).replace(folder / name)
    (partial / CONFIG).replace(folder / CONFIG)
    (folder / INTERRUPTED).unlink(missing_ok=True)
