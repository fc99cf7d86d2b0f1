"""A file of weights in whatever form: what it is by its first bytes, and what it holds; nothing of it is run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from safetensors import safe_open

from headscope.models.checkpoints.files.entries import plain_file
from headscope.models.checkpoints.files.header import stored_tensors
from headscope.models.checkpoints.files.pickled import ZIP, pickled_contents
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.foreign_input import foreign_input

Magic = Literal["gguf", "torch", "safetensors"]
LEGACY_PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
GGUF = b"GGUF"
JSON_AT = 8  # a safetensors file begins with the length of its header, which is a JSON object


def file_magic(file: Path) -> Magic:
    """What a file is by its first bytes; CheckpointError for what holds no weights in a form that is known."""
    with plain_file(file.parent, file.name).open("rb") as stream:
        first = stream.read(JSON_AT + 1)
    if first.startswith(GGUF):
        return "gguf"
    if first.startswith((ZIP, *LEGACY_PICKLE)):
        return "torch"
    if first[JSON_AT:] == b"{":
        return "safetensors"
    raise CheckpointError(
        f"cannot open {file}: it begins neither as a file of torch's, nor as safetensors or GGUF; give a model's "
        "weights, or the folder that holds config.json"
    )


def file_contents(file: Path) -> Mapping[object, object]:
    """What a file of torch's or of safetensors holds, by key: tensors, and in torch's plain values and tables too."""
    if file_magic(file) == "torch":
        return pickled_contents(file)
    names = stored_tensors(file)
    with foreign_input(f"cannot open {file}: safetensors refuses it", CheckpointError):
        reader = safe_open(file, framework="pt", device="cpu")
        return {name: reader.get_tensor(name) for name in names}
