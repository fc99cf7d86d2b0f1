"""Upload: a model's files from the browser, put into a folder of this computer that no other upload shares.

Only what a model folder is read from is kept: JSON, text and safetensors. Nothing of it is executed.
"""

import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

KINDS = ("json", "txt", "safetensors", "model", "jinja")
CONFIG = "config.json"


@runtime_checkable
class Sent(Protocol):
    """A file as the browser sends it."""

    name: str

    def getbuffer(self) -> memoryview:
        """Its bytes."""
        ...


def uploaded_folder(files: Sequence[Sent], place: Path | None = None) -> Path:
    """The folder that holds these files, named by what is in them, so that the same upload is the same model.

    What is kept lies beside the config.json that is least deep; snapshots in folders below it are left out. Raises
    ValueError without a config.json, and for two files of one name.
    """
    paths = [PurePosixPath(one.name.replace("\\", "/")) for one in files]
    configs = [path for path in paths if path.name == CONFIG]
    if not configs:
        raise ValueError(f"a model folder has a {CONFIG}; the upload has {', '.join(map(str, sorted(paths)))}")
    top = min(configs, key=lambda path: len(path.parts)).parent
    kept = [(path.name, one.getbuffer()) for path, one in zip(paths, files, strict=True) if path.parent == top]
    if twice := sorted({name for name, _ in kept if sum(name == other for other, _ in kept) > 1}):
        raise ValueError(f"the upload has {twice[0]} twice: send the folder of one model")
    folder = (place or Path(tempfile.gettempdir()) / "headscope-uploads") / digest_of(kept)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in kept:
        if not (folder / name).is_file():
            (folder / name).write_bytes(content)
    return folder


def digest_of(files: Sequence[tuple[str, memoryview]]) -> str:
    """A short name for names and contents."""
    digest = sha256()
    for name, content in sorted(files, key=lambda one: one[0]):
        digest.update(f"{name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
