"""Upload: a model's files from the browser, put into a folder of this computer that no other upload shares.

Only what a model folder and a run's snapshots are read from is kept: JSON, text and safetensors. Nothing of it is
executed.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from headscope.app.serving.kept.retention import make_room, note_use
from headscope.models.io.cache_folder import cache_folder
from headscope.models.io.whole_file import whole_folder
from headscope.models.zoo import STEP

KINDS = (".json", ".jsonl", ".txt", ".safetensors", ".model", ".jinja")
CONFIG = "config.json"
DIGEST = re.compile(r"[0-9a-f]{16}")
MOST_BYTES = 8 << 30  # of all uploads together


@runtime_checkable
class Sent(Protocol):
    """A file as the browser sends it."""

    name: str

    def getbuffer(self) -> memoryview:
        """Its bytes."""
        ...


def uploaded_folder(files: Sequence[Sent], place: Path | None = None) -> Path:
    """The folder that holds these files, named by what is in them, so that the same upload is the same model.

    What is kept lies beside the config.json that is least deep, the one sent last where there are several, or in a
    snapshot's folder there. Where all uploads would become too large, those go that were not used for longest. Raises
    ValueError without a config.json, for two files of one name, and for more than is kept at all.
    """
    paths = [PurePosixPath(file.name.replace("\\", "/")) for file in files]
    configs = [path for path in paths if path.name == CONFIG]
    if not configs:
        raise ValueError(f"a model folder has a {CONFIG}; the upload has {', '.join(map(str, sorted(paths)))}")
    top = min(reversed(configs), key=lambda path: len(path.parts)).parent
    kept = [(name, item.getbuffer()) for path, item in zip(paths, files, strict=True) if (name := name_in(path, top))]
    if twice := sorted({name for name, _ in kept if sum(name == other for other, _ in kept) > 1}):
        raise ValueError(f"the upload has {twice[0]} twice: send the folder of one model")
    place = place or cache_folder("uploads")
    folder = place / digest_of(kept)
    if not folder.is_dir():
        make_room(place, sum(len(content) for _, content in kept), MOST_BYTES, DIGEST)
        write_upload(kept, folder)
    note_use(folder)
    return folder


def name_in(path: PurePosixPath, top: PurePosixPath) -> str:
    """What a file is called in a model's folder, or nothing for one that is not kept."""
    if path.suffix.lower() not in KINDS:
        return ""
    if path.parent == top:
        return path.name
    is_snapshot = path.parent.parent == top and STEP.fullmatch(path.parent.name)
    return f"{path.parent.name}/{path.name}" if is_snapshot else ""


def earlier_upload(digest: str, place: Path | None = None) -> Path | None:
    """The folder of an upload that a link names, if it is still kept."""
    folder = (place or cache_folder("uploads")) / digest
    if not DIGEST.fullmatch(digest) or not folder.is_dir():
        return None
    note_use(folder)
    return folder


def write_upload(files: Sequence[tuple[str, memoryview]], folder: Path) -> None:
    """Put the files into the folder, which is there whole or not at all."""
    with whole_folder(folder) as partial:
        for name, content in files:
            (partial / name).parent.mkdir(mode=0o700, exist_ok=True)
            (partial / name).touch(0o600)
            (partial / name).write_bytes(content)


def digest_of(files: Sequence[tuple[str, memoryview]]) -> str:
    """A short name for names and contents."""
    digest = sha256()
    for name, content in sorted(files, key=lambda item: item[0]):
        digest.update(f"{name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
