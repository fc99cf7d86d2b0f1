"""Memory: a model's size from its headers, compared with what is free before any number is read."""

from collections.abc import Mapping
from math import prod
from pathlib import Path

import psutil
import torch

from headscope.models.checkpoints.files.header import BYTES_PER_NUMBER, StoredTensor
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format

GROUP = Path("/sys/fs/cgroup")  # the limits of a container, which the machine's own numbers do not know
# Of version 2 and 1: the files that say the limit, what is used, and in detail how much of that is a cache of files.
LAYOUTS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
)


def refuse_beyond_memory(
    stored: Mapping[str, StoredTensor], result: Mapping[str, str], dtype: Format, origin: str
) -> None:
    """Raise CheckpointError for weights that do not fit; found: parameter name -> stored name, dtype as asked for."""
    tensors = [stored[name] for name in result.values()]
    needed, free = bytes_of_weights(tensors, dtype), free_bytes()
    if needed <= free:
        return
    as_stored = bytes_of_weights(tensors, "auto")
    smaller = f", or keep them as stored, {gib(as_stored)}: load(folder, dtype='auto')" if as_stored < needed else ""
    raise CheckpointError(
        f"cannot open {origin}: its weights take {gib(needed)} of memory and {gib(free)} are free here; "
        f"close what else is open, choose a larger machine{smaller}"
    )


def bytes_of_weights(tensors: list[StoredTensor], dtype: Format) -> int:
    """Bytes of the tensors in the asked number format: None widens to float32 at least, "auto" keeps them."""
    return sum(prod(tensor.shape) * bytes_per_number(tensor.dtype, dtype) for tensor in tensors)


def bytes_per_number(stored: str, dtype: Format) -> int:
    """Bytes of one number after reading."""
    if isinstance(dtype, torch.dtype):
        return dtype.itemsize
    own = BYTES_PER_NUMBER[stored]
    return own if dtype == "auto" else max(own, torch.float32.itemsize)


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


def gib(count: float) -> str:
    """Bytes in words: 13.5 GiB."""
    return f"{count / 2**30:.3g} GiB"
