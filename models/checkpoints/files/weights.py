"""Reading the matched tensors: in the asked number format; and their fingerprint, which takes as long again."""

import hashlib
import json
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.pickled import NUMBER_FORMATS, pickled_tensors
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import PICKLED
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input

Reader = Callable[[str], Tensor]  # stored name -> a new, contiguous tensor
Format = torch.dtype | Literal["auto"] | None
FORMATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
STORED = {name: kind for kind, name in NUMBER_FORMATS.items()}


def checked_format(dtype: Format, asked_by: str) -> Format:
    """`dtype` when it is None, "auto" or a floating torch dtype."""
    if dtype not in (None, "auto", *FORMATS):
        raise ValueError(f"{asked_by}: dtype is None, 'auto' or one of {', '.join(map(str, FORMATS))}; got {dtype!r}")
    return dtype


def tensor_reader(stored: dict[str, StoredTensor]) -> Reader:
    """What reads a tensor of the files anew, by its stored name."""
    pickled = {
        file: pickled_tensors(file)
        for file in {tensor.file for tensor in stored.values()}
        if file.suffix == PICKLED.ending
    }

    def tensor_named(name: str) -> Tensor:
        file = stored[name].file
        with foreign_input(f"cannot open {file}: {name!r} cannot be read", CheckpointError):
            return own_copy(pickled[file][name]) if file in pickled else stored_numbers(stored[name])

    return tensor_named


def stored_numbers(stored: StoredTensor) -> Tensor:
    """A tensor of a safetensors file in memory of its own: one mapped from the file would change, or fall, with it."""
    tensor = torch.empty(stored.shape, dtype=STORED[stored.dtype])
    place = tensor.reshape(-1).view(torch.uint8).numpy().data
    with stored.file.open("rb") as stream:
        stream.seek(stored.begin)
        if stream.readinto(place) != len(place):
            raise ValueError("the file has become shorter while it was read")
    return tensor


def own_copy(tensor: Tensor) -> Tensor:
    """The tensor, no longer a view of a file or of another tensor."""
    return tensor.clone(memory_format=torch.contiguous_format)


def weights_as(dtype: Format, result: dict[str, str], tensor_named: Reader) -> dict[str, Tensor]:
    """Each parameter of `result` (parameter name -> stored name), by parameter name.

    dtype None widens 16-bit weights to float32 and keeps wider ones, so that nothing is lost; "auto" keeps all as
    stored; a torch dtype casts.
    """
    tensors = ((name, tensor_named(stored_name)) for name, stored_name in result.items())
    return {name: tensor.to(_target(tensor.dtype, dtype)) for name, tensor in tensors}


def weights_fingerprint(
    stored: dict[str, StoredTensor], result: dict[str, str], fields: Fields, tensor_named: Reader
) -> str:
    """The sha256 (hex) of what is stored: names, formats, shapes, bytes, config."""
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    for name in sorted(result):
        source, tensor = stored[result[name]], tensor_named(result[name])
        digest.update(f"{name} {source.dtype} {source.shape}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _target(stored: torch.dtype, request: Format) -> torch.dtype:
    if request is None:
        return torch.promote_types(stored, torch.float32)
    return stored if request == "auto" else request
