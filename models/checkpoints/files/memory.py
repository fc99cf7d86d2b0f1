"""Memory: a model's size from its headers, compared with what is free before any number is read."""

from collections.abc import Mapping
from math import prod

import torch

from headscope.models.checkpoints.files.header import BYTES_PER_NUMBER, StoredTensor
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format
from headscope.models.io.memory import free_bytes, gib


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
