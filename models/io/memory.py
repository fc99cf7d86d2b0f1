"""Memory: what this process can still have, of the machine and of the container that it may run in."""

from pathlib import Path

import psutil

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


def gib(count: int) -> str:
    """Bytes in words: 13.5 GiB."""
    return f"{count / 2**30:.3g} GiB"
