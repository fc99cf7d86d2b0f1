"""A GGUF file (llama.cpp): read by transformers with the package gguf, its quantised weights as plain numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint
from transformers.utils.import_utils import is_gguf_available

from headscope.models.checkpoints.converters.converter import ConvertedModel
from headscope.models.checkpoints.files.gguf_header import refuse_gguf_header
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.families import FAMILIES
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.memory import free_bytes, gib
from headscope.models.io.near_names import known_names
from headscope.models.seam.construction import CONSTRUCTION

KIND = "a GGUF file"
NAME = "model.gguf"
NOT_OF_THE_MODEL = ("quantization_config", "_name_or_path", "dtype", "architectures")
OF_THIS_READING = ("gguf_file", "is_local", "local_files_only")


def converted_gguf(file: Path) -> ConvertedModel:
    """The model in a GGUF file, in float32. CheckpointError names the package that is missing, or the family."""
    header = gguf_header(file)
    refuse_family(file, header["config"].get("model_type"))
    refuse_beyond_memory(file)
    with (
        alone_in_a_folder(file) as folder,
        foreign_input(f"cannot open {file}: transformers refuses it", CheckpointError),
        CONSTRUCTION,
    ):
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=NAME, dtype=torch.float32, output_loading_info=True, local_files_only=True
        )
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(f"cannot open {file}: it has no weights for {missing[0]!r}, which its header describes")
    fields = {name: value for name, value in model.config.to_diff_dict().items() if name not in NOT_OF_THE_MODEL}
    spec = AttentionSpec("softmax").to_json()
    return ConvertedModel({**fields, "attention_spec": spec}, dict(model.state_dict()))


def gguf_tokenizer(file: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer in a GGUF file; None where there is none."""
    if "tokens" not in gguf_header(file)["tokenizer"]:
        return None
    with (
        alone_in_a_folder(file) as folder,
        foreign_input(f"cannot open the tokenizer of {file}: transformers refuses it", CheckpointError),
    ):
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=NAME, local_files_only=True)
    for name in OF_THIS_READING:
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer


def gguf_header(file: Path) -> Fields:
    """What transformers reads of a header: the fields of a config and of a tokenizer."""
    if not is_gguf_available():
        raise CheckpointError(
            f"cannot open {file}: it is {KIND}, which is read with the package gguf: pip install gguf, or "
            "pip install 'headscope[gguf]'"
        )
    with foreign_input(f"cannot open {file}: its header is refused", CheckpointError):
        refuse_gguf_header(file)
    with foreign_input(f"cannot open {file}: transformers refuses its header", CheckpointError):
        return load_gguf_checkpoint(str(file))


def refuse_family(file: Path, model_type: object) -> None:
    """Raise CheckpointError for a family that carries no attention variant."""
    if model_type not in FAMILIES:
        supported = known_names(model_type, FAMILIES)
        raise CheckpointError(f"cannot open {file}: model_type {model_type!r} is not supported; supported: {supported}")


def refuse_beyond_memory(file: Path) -> None:
    """Raise CheckpointError before weights are read that, as float32, would not fit twice."""
    from gguf import GGUFReader

    with foreign_input(f"cannot open {file}: gguf refuses it", CheckpointError):
        numbers = sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    needed, free = 2 * numbers * torch.float32.itemsize, free_bytes()
    if needed > free:
        raise CheckpointError(
            f"cannot open {file}: to read it takes {gib(needed)} of memory and {gib(free)} are free here; close what "
            "else is open, or choose a larger machine"
        )


@contextmanager
def alone_in_a_folder(file: Path) -> Iterator[str]:
    """A folder with nothing but a link to the file: what lies beside it is not looked at."""
    with TemporaryDirectory() as folder:
        (Path(folder) / NAME).symlink_to(file.resolve())
        yield folder
