"""Reading the matched tensors: in the asked number format, and known by a fingerprint."""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch
from safetensors import safe_open
from torch import Tensor

from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.pickled import pickled_tensors
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import PICKLED
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input

Format = torch.dtype | Literal["auto"] | None
FORMATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class Weights:
    """Tensors by parameter name, and the sha256 (hex) of what was stored: names, formats, shapes, bytes, config."""

    tensors: dict[str, Tensor]
    fingerprint: str


def checked_format(dtype: Format, asked_by: str) -> Format:
    """`dtype` when it is None, "auto" or a floating torch dtype."""
    if dtype not in (None, "auto", *FORMATS):
        raise ValueError(f"{asked_by}: dtype is None, 'auto' or one of {', '.join(map(str, FORMATS))}; got {dtype!r}")
    return dtype


def read_weights(
    stored: dict[str, StoredTensor], result: dict[str, str], fields: Fields, dtype: Format, origin: str
) -> Weights:
    """Read each parameter of `result` (parameter name -> stored name) once, in the number format of `weights_as`."""
    with ExitStack() as stack:
        files = {file: stack.enter_context(_reader(file)) for file in {tensor.file for tensor in stored.values()}}

        def tensor_named(name: str) -> Tensor:
            with foreign_input(f"cannot open {stored[name].file}: {name!r} cannot be read", CheckpointError):
                return files[stored[name].file].get_tensor(name)

        return weights_as(dtype, stored, result, fields, tensor_named, origin)


def weights_as(
    dtype: Format,
    stored: dict[str, StoredTensor],
    result: dict[str, str],
    fields: Fields,
    tensor_named: Callable[[str], Tensor],
    origin: str,
) -> Weights:
    """Each parameter of `result` (parameter name -> stored name).

    dtype None widens 16-bit weights to float32 and keeps wider ones, so that nothing is lost; "auto" keeps all as
    stored; a torch dtype casts.
    """
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    tensors = {}
    for name in sorted(result):
        source, tensor = stored[result[name]], tensor_named(result[name])
        digest.update(f"{name} {source.dtype} {source.shape}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        tensors[name] = tensor.to(_target(tensor.dtype, dtype), copy=True).contiguous()
    return Weights(tensors, digest.hexdigest())


def _reader(file: Path) -> Any:
    if file.suffix == PICKLED.ending:
        return nullcontext(SimpleNamespace(get_tensor=pickled_tensors(file).__getitem__))
    with foreign_input(f"cannot open {file}: safetensors refuses it", CheckpointError):
        return safe_open(file, framework="pt", device="cpu")


def _target(stored: torch.dtype, request: Format) -> torch.dtype:
    if request is None:
        return torch.promote_types(stored, torch.float32)
    return stored if request == "auto" else request
