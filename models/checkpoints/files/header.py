"""The header of one safetensors file: names, number formats and shapes, checked before any number is read."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from headscope.models.checkpoints.files.entries import parse_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.fields import Fields

MAX_HEADER_BYTES = 10 * 2**20
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 8
MAX_SIZE = 2**63 - 1
LENGTH = struct.Struct("<Q")
BYTES_PER_NUMBER = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64"), 8),
}


@dataclass(frozen=True)
class StoredTensor:
    """What a header says of one tensor; `dtype` is safetensors' name for the number format.

    begin: the byte of the file where its numbers begin, where they lie there one after another.
    """

    file: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int = 0


def stored_tensors(file: Path) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name, in the order of their bytes, which they fill without a gap."""
    header, body_bytes = _header(file)
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise CheckpointError(f"cannot open {file}: it names {len(header)} tensors; at most {MAX_TENSORS} are read")
    spans = {name: _span(file, name, entry) for name, entry in header.items()}
    end = 0
    for name, (begin, stop) in sorted(spans.items(), key=lambda item: item[1]):
        if begin != end:
            raise CheckpointError(f"cannot open {file}: tensor {name!r} begins at byte {begin}, expected {end}")
        end = stop
    if end != body_bytes:
        raise CheckpointError(
            f"cannot open {file}: its header promises {end} bytes of tensors, the file holds {body_bytes}; "
            "it was cut short or written over, so fetch it again"
        )
    first = file.stat().st_size - body_bytes
    return {
        name: StoredTensor(file, header[name]["dtype"], tuple(header[name]["shape"]), first + begin)
        for name, (begin, _) in spans.items()
    }


def _header(file: Path) -> tuple[Fields, int]:
    size = file.stat().st_size
    if size < LENGTH.size:
        raise CheckpointError(f"cannot open {file}: {size} bytes are too few for a safetensors file; fetch it again")
    with file.open("rb") as stream:
        (length,) = LENGTH.unpack(stream.read(LENGTH.size))
        if length > MAX_HEADER_BYTES:
            raise CheckpointError(
                f"cannot open {file}: its header claims {length} bytes, at most {MAX_HEADER_BYTES} are read; "
                "it is not a safetensors file of a language model"
            )
        if LENGTH.size + length > size:
            raise CheckpointError(
                f"cannot open {file}: its header claims {length} bytes, the file holds {size}; fetch it again"
            )
        return parse_object(stream.read(length), f"the header of {file}"), size - LENGTH.size - length


def _span(file: Path, name: str, entry: object) -> tuple[int, int]:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, stop], **others} if not others:
            pass
        case _:
            raise CheckpointError(f"cannot open {file}: the header's entry of {name!r} is not dtype, shape and offsets")
    if dtype not in BYTES_PER_NUMBER:
        raise CheckpointError(
            f"cannot open {file}: {name!r} is stored as {dtype!r}; known: {', '.join(BYTES_PER_NUMBER)}"
        )
    if len(shape) > MAX_DIMENSIONS:
        raise CheckpointError(
            f"cannot open {file}: {name!r} has {len(shape)} dimensions; at most {MAX_DIMENSIONS} are read"
        )
    if not all(type(number) is int and 0 <= number <= MAX_SIZE for number in (*shape, begin, stop)):
        raise CheckpointError(f"cannot open {file}: shape and offsets of {name!r} are not all whole and non-negative")
    if (needed := math.prod(shape) * BYTES_PER_NUMBER[dtype]) != stop - begin:
        raise CheckpointError(
            f"cannot open {file}: {name!r} of shape {shape} needs {needed} bytes, its offsets give {stop - begin}"
        )
    return begin, stop
