"""The weights of a folder: one file, or several under an index that must agree with them exactly."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headscope.models.checkpoints.files.contents import refuse_without_weights
from headscope.models.checkpoints.files.entries import plain_file, read_object
from headscope.models.checkpoints.files.header import MAX_TENSORS, StoredTensor, stored_tensors
from headscope.models.checkpoints.files.pickled import pickled_headers
from headscope.models.checkpoints.files.refusal import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Form:
    """One form of weights: the name of a single file, that of an index, the ending of shards, their headers' reader."""

    single: str
    index: str
    ending: str
    headers: Callable[[Path], dict[str, StoredTensor]]


SAFETENSORS = Form(SINGLE, INDEX, ".safetensors", stored_tensors)
PICKLED = Form("pytorch_model.bin", "pytorch_model.bin.index.json", ".bin", pickled_headers)


def stored_weights(folder: Path) -> dict[str, StoredTensor]:
    """All tensors of the folder by name, from the headers alone: of safetensors, unless only a .bin is complete."""
    forms = [form for form in (SAFETENSORS, PICKLED) if _present(folder, form.single) or _present(folder, form.index)]
    if not forms:
        refuse_without_weights(folder)
    return _weights(folder, next((form for form in forms if _is_complete(folder, form)), forms[0]))


def shard_names(folder: Path) -> set[str]:
    """The shards that the folder's indices name."""
    return {
        shard
        for form in (SAFETENSORS, PICKLED)
        if _present(folder, form.index)
        for shard in weight_map(folder, form).values()
    }


def _weights(folder: Path, form: Form) -> dict[str, StoredTensor]:
    single, index = _present(folder, form.single), _present(folder, form.index)
    if single and index:
        raise CheckpointError(
            f"cannot open {folder}: it holds both {form.single} and {form.index}; remove the one that is stale"
        )
    return form.headers(plain_file(folder, form.single)) if single else _sharded(folder, form)


def _present(folder: Path, name: str) -> bool:
    return (folder / name).exists() or (folder / name).is_symlink()


def _is_complete(folder: Path, form: Form) -> bool:
    """Whether the single file is there, or every shard that the index names."""
    if _present(folder, form.single):
        return True
    return all(_present(folder, shard) for shard in weight_map(folder, form).values())


def _sharded(folder: Path, form: Form) -> dict[str, StoredTensor]:
    weights: dict[str, StoredTensor] = {}
    placed = weight_map(folder, form)
    for shard in sorted(set(placed.values())):
        tensors = form.headers(plain_file(folder, shard))
        promised = {name for name, file in placed.items() if file == shard}
        for name in sorted(promised ^ tensors.keys()):
            way = "promises" if name in promised else "does not place"
            raise CheckpointError(
                f"cannot open {folder}: {form.index} {way} {name!r} in {shard}, the file says otherwise"
            )
        weights.update(tensors)
    return weights


def weight_map(folder: Path, form: Form) -> dict[str, str]:
    """Tensor name -> shard, as the index of `folder` says; shards are plain names of files beside it."""
    placed = read_object(folder, form.index).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise CheckpointError(f"cannot open {folder}: {form.index} has no weight_map")
    if len(placed) > MAX_TENSORS:
        raise CheckpointError(f"cannot open {folder}: {form.index} names {len(placed)} tensors; at most {MAX_TENSORS}")
    for name, shard in placed.items():
        if not isinstance(shard, str) or not PLAIN_NAME.fullmatch(shard) or not shard.endswith(form.ending):
            raise CheckpointError(
                f"cannot open {folder}: {form.index} places {name!r} in {shard!r}; "
                f"a shard is the plain name of a {form.ending} file in the same folder"
            )
    return placed
