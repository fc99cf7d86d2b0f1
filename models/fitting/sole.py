"""One training per folder: a lock that the system frees however its holder ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = "run.lock"


@contextmanager
def sole_training(folder: Path, *, main: bool) -> Iterator[None]:
    """Hold the run's folder for the main process of a training; ValueError when another training holds it."""
    if not main:
        yield
        return
    try:
        held = FileLock(folder / LOCK).acquire(blocking=False)
    except Timeout as taken:
        raise ValueError(f"another process trains in {folder}; wait for it, or train into another folder") from taken
    with held:
        yield
