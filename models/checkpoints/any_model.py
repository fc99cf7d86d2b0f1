"""Opening whatever holds a model: a Hugging Face folder, a run of snapshots, or a file in a layout of others' code."""

from pathlib import Path

import torch

from headscope.models.checkpoints.converters.facts import Given
from headscope.models.checkpoints.files.contents import ADAPTER, CONFIG, INTERRUPTED, weight_files
from headscope.models.checkpoints.files.entries import model_folder
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format, checked_format
from headscope.models.checkpoints.foreign import open_foreign
from headscope.models.checkpoints.opening import OpenedModel, open_folder
from headscope.models.io.foreign_input import expanded_path


def open_model(
    path: str | Path,
    device: str | torch.device | None = None,
    dtype: Format = None,
    given: Given | None = None,
) -> OpenedModel:
    """The model at `path`, recognised by its content; its `opened_as` says what it was taken for, and what was assumed.

    given: what a file of others' code does not say, by name, as {"n_heads": 8}; the error names what is missing.
    dtype as in open_folder. Raises CheckpointError, in one sentence, for all that is no such model.
    """
    place, facts = expanded_path(path), given or {}
    checked_format(dtype, "open_model")
    if place.is_file():
        return open_foreign(place, facts, device, dtype)
    if place.is_dir() and (file := file_of_model(place)):
        return open_foreign(file, facts, device, dtype)
    if facts:
        raise CheckpointError(
            f"cannot open {place}: {', '.join(facts)} given, and a folder with a {CONFIG} is asked nothing"
        )
    return open_folder(place, device, dtype)


def file_of_model(place: Path) -> Path | None:
    """The file of weights in a folder that is none of Hugging Face's; which of several is for the user to say."""
    folder = model_folder(place)
    if any((folder / name).exists() for name in (CONFIG, INTERRUPTED, ADAPTER)):
        return None
    files = weight_files(folder)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise CheckpointError(f"cannot open {folder}: it has no {CONFIG}, and {len(files)} files: name one of {names}")
    return files[0] if files else None
