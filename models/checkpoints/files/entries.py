"""The door of a model folder: it exists, and what is read from it is a plain file inside it."""

import json
from pathlib import Path

from headscope.models.checkpoints.files.contents import refuse_place
from headscope.models.checkpoints.files.hub_cache import hub_snapshot_folder, link_boundary
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.bounds import refuse_deep, refuse_wide
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import expanded_path, foreign_input

MAX_JSON_BYTES = 10 * 2**20
MOST_MARKS = {"{": 200_000, "[": 400_000}  # a header has a table with two lists for every tensor
LFS_POINTER = b"version https://git-lfs"


def model_folder(path: str | Path) -> Path:
    """The folder at `path`, refused when it is none or when one of its entries leads out of it.

    A repository of the hub's cache stands for its snapshot, whose links may lead anywhere in the repository.
    """
    folder = hub_snapshot_folder(expanded_path(path))
    refuse_place(folder)
    for entry in sorted(folder.iterdir()):
        _refuse_way_out(folder, entry)
        if entry.name == ".metadata" or entry.suffix == ".distcp":
            raise CheckpointError(
                f"cannot open {folder}: {entry.name} belongs to a torch.distributed checkpoint, which runs code when "
                "opened; convert it where you trust it, with model.save_pretrained(folder)"
            )
    return folder


def plain_file(folder: Path, name: str) -> Path:
    """The file `name` of `folder`: there, regular, inside the folder, and no Git LFS pointer."""
    file = folder / name
    _refuse_way_out(folder, file)
    if not file.is_file():
        what = "not a plain file" if file.exists() else "missing"
        raise CheckpointError(f"cannot open {folder}: {name} is {what}")
    with file.open("rb") as stream:
        if stream.read(len(LFS_POINTER)) == LFS_POINTER:
            raise CheckpointError(f"cannot open {file}: it is a Git LFS pointer, not the file; run `git lfs pull`")
    return file


def read_object(folder: Path, name: str) -> Fields:
    """The JSON object in the file `name` of `folder`."""
    file = plain_file(folder, name)
    if (size := file.stat().st_size) > MAX_JSON_BYTES:
        raise CheckpointError(f"cannot open {file}: it has {size} bytes; at most {MAX_JSON_BYTES} are read")
    return parse_object(file.read_bytes(), str(file))


def parse_object(text: bytes, origin: str) -> Fields:
    """The JSON object in `text`, each name once; `origin` says in errors where the text came from."""
    with foreign_input(f"cannot open {origin}: it is not valid JSON", CheckpointError):
        refuse_wide(plain := text.decode("utf-8"), MOST_MARKS)
        value = json.loads(plain, object_pairs_hook=_each_name_once)
        refuse_deep(value)
    if not isinstance(value, dict):
        raise CheckpointError(f"cannot open {origin}: it is a JSON {type(value).__name__}, not an object")
    return value


def _each_name_once(pairs: list[tuple[str, object]]) -> Fields:
    value: Fields = {}
    for name, item in pairs:
        if name in value:
            raise ValueError(f"the name {name!r} stands there twice")
        value[name] = item
    return value


def _refuse_way_out(folder: Path, entry: Path) -> None:
    target = entry.resolve()
    if not target.is_relative_to(link_boundary(folder)):
        raise CheckpointError(
            f"cannot open {folder}: {entry.name} leads out of the folder, to {target}; "
            "copy the folder with its links followed (cp -rL) and open the copy"
        )
