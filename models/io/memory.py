"""Memory: what this process can still have, of the machine and of the container that it may run in."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h: from which size on a block comes from the system by itself
GROUP = Path("/sys/fs/cgroup")  # the limits of a container, which the machine's own numbers do not know
# Of version 2 and 1: the files that say the limit, what is used, and in detail how much of that is a cache of files.
LAYOUTS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
)


def free_bytes() -> int:
    """What this process can still have: of the machine, and of the container that it may run in."""
    return int(min(psutil.virtual_memory().available, free_in_group(GROUP)))


def free_in_group(group: Path) -> float:
    """What a control group's limit leaves, files in its cache counted as free; without a limit, infinity."""
    for limit, used, stat, cache in LAYOUTS:
        if (group / limit).is_file() and (most := (group / limit).read_text().strip()) != "max":
            parts = dict(line.split() for line in (group / stat).read_text().splitlines())
            return float(int(most) - int((group / used).read_text()) + int(parts.get(cache, 0)))
    return float("inf")


@contextmanager
def freed_at_once() -> Iterator[None]:
    """Within it the system has back what is let go, from 2 MiB on, in all threads.

    glibc keeps what is below 32 MiB, and then lays the next tensor elsewhere: as much again as is in use, in the end.
    Nothing changes where the C library is another.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    mallopt(MMAP_THRESHOLD, 2 * 2**20)
    try:
        yield
    finally:
        mallopt(MMAP_THRESHOLD, 32 * 2**20)


def gib(count: int) -> str:
    """Bytes in words: 13.5 GiB."""
    return f"{count / 2**30:.3g} GiB"
