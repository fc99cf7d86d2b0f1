"""A file that is written whole or not at all, and where one can be written, which is known before the work."""

import os
from pathlib import Path


def refuse_unwritable(path: Path) -> None:
    """Raise ValueError where no file could be written."""
    folder = path.absolute().parent
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; name a file in it")
    if not folder.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ValueError(f"cannot write {path}: you may not write there; name another place")


def write_whole(path: Path, text: str) -> None:
    """Write a text beside the file and put it in its place. OSError in one sentence, and nothing is left behind."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OSError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    finally:
        partial.unlink(missing_ok=True)
