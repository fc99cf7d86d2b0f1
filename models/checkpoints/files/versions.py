"""Versions of files: whether what was read from them is still what they hold."""

from collections.abc import Callable, Iterable
from pathlib import Path

from headscope.models.checkpoints.files.refusal import CheckpointError

Versions = dict[Path, tuple[int, int, int]]


def file_versions(files: Iterable[Path]) -> Versions:
    """What tells a file from the one that it was: its inode, its size, and when it was written."""
    return {file: ((stat := file.stat()).st_ino, stat.st_size, stat.st_mtime_ns) for file in set(files)}


def unchanged(versions: Versions, computed: Callable[[], str]) -> str:
    """What is computed from the files. Raises CheckpointError where one is another by then."""
    result = computed()
    for file, version in versions.items():
        if not file.exists() or file_versions([file])[file] != version:
            raise CheckpointError(f"{file} was written over since the model was opened from it: open it again")
    return result
