"""Converted weights: folders whose tensors transformers renames and joins as it reads them, as those with experts."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_checkpoint_conversion_mapping
from transformers.utils import logging

from headscope.models.checkpoints.config.description import Description
from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.memory import refuse_beyond_memory
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import PICKLED
from headscope.models.checkpoints.files.weights import STORED, Format
from headscope.models.checkpoints.matching import refuse_other_numbers
from headscope.models.checkpoints.skeleton import Skeleton
from headscope.models.hosts.attachment import carrying
from headscope.models.hosts.families import family_of
from headscope.models.io.foreign_input import foreign_input
from headscope.models.seam.construction import CONSTRUCTION

BLOCK = 2**24  # bytes
FAULTS = {"missing_keys": "lack", "unexpected_keys": "have too much with", "mismatched_keys": "have another shape of"}


def is_converted(stored: dict[str, StoredTensor], frame: Skeleton, model_type: str) -> bool:
    """Whether transformers has a conversion for the family, and the names in the files are those before it."""
    known = {name.removeprefix(frame.prefix) for name in frame.shapes}
    own = all(name.removeprefix(frame.prefix) in known for name in stored)
    return not own and get_checkpoint_conversion_mapping(model_type) is not None


@torch.no_grad()
def converted_model(
    folder: Path, words: Description, stored: dict[str, StoredTensor], dtype: Format
) -> PreTrainedModel:
    """The described model with the folder's weights, by transformers' own conversion. Raises CheckpointError."""
    if pickled := next((tensor.file for tensor in stored.values() if tensor.file.suffix == PICKLED.ending), None):
        raise CheckpointError(
            f"cannot open {folder}: transformers converts the weights of a {words.config.model_type}, and would "
            f"unpickle {pickled.name} to do so; save them as safetensors first"
        )
    for name, tensor in stored.items():
        refuse_other_numbers(name, tensor, str(folder))
    refuse_beyond_memory(stored, {name: name for name in stored}, dtype, str(folder))
    head: Any = family_of(words.config.model_type).modality.head_of(words.config)
    refused = foreign_input(f"cannot open {folder}: transformers refuses its weights", CheckpointError)
    with CONSTRUCTION, without_bars(), refused:
        model, info = head.from_pretrained(
            folder,
            config=words.config,
            dtype=opened_dtype(stored, dtype),
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager",
            output_loading_info=True,
        )
    for name, verb in FAULTS.items():
        if keys := sorted(map(str, info.get(name) or ())):
            raise CheckpointError(f"cannot open {folder}: its weights {verb} {keys[0]!r}, as config.json describes it")
    return carrying(model.eval(), words.spec)


@contextmanager
def without_bars() -> Iterator[None]:
    """transformers shows no progress inside; whoever opens a model says how far it is."""
    had_bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if had_bars:
            logging.enable_progress_bar()


def opened_dtype(stored: dict[str, StoredTensor], dtype: Format) -> torch.dtype:
    """The number format of the model: the widest that is stored, float32 at least unless it is kept as stored."""
    if isinstance(dtype, torch.dtype):
        return dtype
    widest = max((STORED[tensor.dtype] for tensor in stored.values()), key=lambda kind: kind.itemsize)
    return widest if dtype == "auto" or widest.itemsize > 2 else torch.float32


def fingerprint_of_files(words: Description, stored: dict[str, StoredTensor]) -> str:
    """sha256 (hex) of the description and of the files' bytes."""
    digest = hashlib.sha256(json.dumps(words.fields, sort_keys=True).encode())
    for file in sorted({tensor.file for tensor in stored.values()}):
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
