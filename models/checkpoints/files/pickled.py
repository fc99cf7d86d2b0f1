"""The tensors of a .bin, torch's own file: read only where its pickle makes tensors and nothing else."""

import zipfile
from argparse import Namespace
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor
from torch.serialization import safe_globals

from headscope.models.checkpoints.files.header import MAX_TENSORS, StoredTensor
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.foreign_input import foreign_input

MAX_PICKLE_BYTES = 64 * 2**20
ZIP = b"PK\x03\x04"
NUMBER_FORMATS = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}
PLAIN = frozenset({"argparse.Namespace"})
RENEW = "write it anew where you trust it: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new)"


def pickled_headers(file: Path) -> dict[str, StoredTensor]:
    """What is stored of each tensor, by name, as of a safetensors header."""
    tensors = pickled_tensors(file)
    return {name: StoredTensor(file, NUMBER_FORMATS[t.dtype], tuple(t.shape)) for name, t in tensors.items()}


def pickled_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors by name, mapped from the file: their numbers are read when they are used."""
    refuse_other_archive(file)
    refuse_code(file)
    with broken_pickle(f"cannot open {file}: torch refuses it as weights"):
        state = torch.load(file, weights_only=True, map_location="cpu", mmap=True)
    return checked_state(file, state)


def pickled_contents(file: Path) -> Mapping[object, object]:
    """What a whole checkpoint of torch's holds, by key: tensors, plain values, and tables of these.

    An argparse.Namespace, which is attributes and no code, becomes a table.
    """
    refuse_other_archive(file)
    refuse_code(file, PLAIN)
    with broken_pickle(f"cannot open {file}: torch refuses it as plain values and weights"), safe_globals([Namespace]):
        contents = plain_tables(torch.load(file, weights_only=True, map_location="cpu", mmap=True))
    if not isinstance(contents, Mapping) or not contents:
        raise CheckpointError(f"cannot open {file}: it holds a {type(contents).__name__}, no tensors by name")
    return contents


def plain_tables(value: object) -> object:
    """The value with every Namespace in it as a table."""
    if isinstance(value, Namespace):
        return plain_tables(vars(value))
    return {key: plain_tables(item) for key, item in value.items()} if isinstance(value, dict) else value


def broken_pickle(sentence: str) -> AbstractContextManager[None]:
    """foreign_input around what reads the file; torch's own words would advise to switch its safety off."""
    return foreign_input(sentence, CheckpointError, advice=f"fetch it again, or {RENEW}", quotes=False)


def refuse_other_archive(file: Path) -> None:
    """Raise CheckpointError unless the file is a zip archive of stored, uncompressed entries with one small pickle."""
    with file.open("rb") as stream:
        if stream.read(len(ZIP)) != ZIP:
            raise CheckpointError(
                f"cannot open {file}: it is no zip archive, as torch writes them since its version 1.6; {RENEW}"
            )
    with broken_pickle(f"cannot open {file}: its zip archive is broken"), zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise CheckpointError(f"cannot open {file}: {entry.filename!r} is compressed, as torch never does; {RENEW}")
        if entry.filename.endswith(".pkl") and entry.file_size > MAX_PICKLE_BYTES:
            raise CheckpointError(
                f"cannot open {file}: its pickle has {entry.file_size} bytes; at most {MAX_PICKLE_BYTES} are read"
            )


def refuse_code(file: Path, plain: frozenset[str] = frozenset()) -> None:
    """Raise CheckpointError for a pickle that names anything but what tensors are made of; nothing of it is run.

    plain: names of classes that hold values and run nothing.
    """
    with broken_pickle(f"cannot open {file}: it holds no pickle of torch"):
        foreign = {*torch.serialization.get_unsafe_globals_in_checkpoint(file)} - plain
    if foreign:
        raise CheckpointError(
            f"cannot open {file}: it holds more than tensors ({sorted(foreign)[0]}), which would run code when opened; "
            f"{RENEW}"
        )


def checked_state(file: Path, state: object) -> dict[str, Tensor]:
    """The state dict, if it is one: tensors by name, none larger than its bytes."""
    if not isinstance(state, dict) or not state:
        raise CheckpointError(f"cannot open {file}: it holds a {type(state).__name__}, no tensors by name")
    if len(state) > MAX_TENSORS:
        raise CheckpointError(f"cannot open {file}: it names {len(state)} tensors; at most {MAX_TENSORS} are read")
    for name, tensor in state.items():
        refuse_other_entry(file, name, tensor)
    return state


def refuse_other_entry(file: Path, name: object, tensor: object) -> None:
    """Raise CheckpointError unless the entry is a plain tensor whose numbers are in the file."""
    if not isinstance(name, str) or not isinstance(tensor, Tensor):
        raise CheckpointError(
            f"cannot open {file}: its entry {name!r} is a {type(tensor).__name__}, no tensor: it is a checkpoint in a "
            "layout of the code that wrote it; load it with that code, then headscope.save(model, new)"
        )
    if tensor.dtype not in NUMBER_FORMATS:
        raise CheckpointError(f"cannot open {file}: {name!r} is no plain tensor ({tensor.dtype}, {tensor.layout})")
    refuse_unread(file, name, tensor)


def refuse_unread(file: Path, name: str, tensor: Tensor) -> None:
    """Raise CheckpointError for a tensor that does not lie in the file as it is."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise CheckpointError(f"cannot open {file}: {name!r} is no plain tensor ({tensor.dtype}, {tensor.layout})")
    claimed, stored = tensor.numel() * tensor.itemsize, tensor.untyped_storage().nbytes()
    if claimed > stored:
        raise CheckpointError(f"cannot open {file}: {name!r} claims {claimed} bytes, {stored} are stored")
