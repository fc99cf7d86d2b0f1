"""The weights of a folder: one safetensors file, or several under an index that must agree with them exactly."""

import re
from pathlib import Path

from models.checkpoints.entries import plain_file, read_object
from models.checkpoints.header import MAX_TENSORS, StoredTensor, stored_tensors
from models.checkpoints.refusal import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def stored_weights(folder: Path) -> dict[str, StoredTensor]:
    """All tensors of the folder by name, from the headers alone."""
    single, index = _present(folder, SINGLE), _present(folder, INDEX)
    if single and index:
        raise CheckpointError(f"cannot open {folder}: it holds both {SINGLE} and {INDEX}; remove the one that is stale")
    if single:
        return stored_tensors(plain_file(folder, SINGLE))
    if index:
        return _sharded(folder)
    pickles = sorted(entry.name for entry in folder.iterdir() if entry.suffix in PICKLES)
    if pickles:
        raise CheckpointError(
            f"cannot open {folder}: its weights are in {pickles[0]}, a pickle, which can run code and is never opened "
            "here; convert it where you trust it: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new)"
        )
    raise CheckpointError(f"cannot open {folder}: it holds no {SINGLE}")


def _present(folder: Path, name: str) -> bool:
    return (folder / name).exists() or (folder / name).is_symlink()


def _sharded(folder: Path) -> dict[str, StoredTensor]:
    weights: dict[str, StoredTensor] = {}
    placed = weight_map(folder)
    for shard in sorted(set(placed.values())):
        tensors = stored_tensors(plain_file(folder, shard))
        promised = {name for name, file in placed.items() if file == shard}
        for name in sorted(promised ^ tensors.keys()):
            way = "promises" if name in promised else "does not place"
            raise CheckpointError(f"cannot open {folder}: {INDEX} {way} {name!r} in {shard}, the file says otherwise")
        weights.update(tensors)
    return weights


def weight_map(folder: Path) -> dict[str, str]:
    """Tensor name -> shard, as the index of `folder` says; shards are plain names of files beside it."""
    placed = read_object(folder, INDEX).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise CheckpointError(f"cannot open {folder}: {INDEX} has no weight_map")
    if len(placed) > MAX_TENSORS:
        raise CheckpointError(f"cannot open {folder}: {INDEX} names {len(placed)} tensors; at most {MAX_TENSORS}")
    for name, shard in placed.items():
        if not isinstance(shard, str) or not SHARD.fullmatch(shard):
            raise CheckpointError(
                f"cannot open {folder}: {INDEX} places {name!r} in {shard!r}; "
                "a shard is the plain name of a .safetensors file in the same folder"
            )
    return placed
