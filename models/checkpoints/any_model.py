"""Opening whatever holds a model: a Hugging Face folder, a run of snapshots, or a file in a layout of others' code."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from headscope.models.checkpoints.converters.facts import Given, Value
from headscope.models.checkpoints.converters.recognition import recognition
from headscope.models.checkpoints.files.contents import ADAPTER, CONFIG, INTERRUPTED, weight_files
from headscope.models.checkpoints.files.entries import model_folder, read_object
from headscope.models.checkpoints.files.foreign_file import file_magic
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format, checked_format
from headscope.models.checkpoints.foreign import open_foreign, opened_as, opened_model
from headscope.models.checkpoints.opening import OpenedModel, open_folder
from headscope.models.hosts.families import FAMILIES
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.io.foreign_input import expanded_path
from headscope.models.zoo import snapshots


def open_model(
    path: str | Path,
    device: str | torch.device | None = None,
    dtype: Format = None,
    given: Given | None = None,
) -> OpenedModel:
    """The model at `path`, recognised by its content; its `opened_as` says what it was taken for, and what was assumed.

    A run of snapshots without a model of its own is its newest. given: what a file of others' code does not say, by
    name, as {"n_heads": 8}; the error names what is missing. dtype as in open_folder. Raises CheckpointError, in one
    sentence, for all that is no such model.
    """
    facts = given or {}
    checked_format(dtype, "open_model")
    place = place_of_model(expanded_path(path))
    if place.is_file():
        opened = open_file(place, facts, device, dtype)
    else:
        refuse_given(place, facts)
        opened = open_folder(place, device, dtype)
    return replace(opened, opened_as=opened.opened_as + newest_of_run(expanded_path(path), place))


def open_file(file: Path, given: Given, device: str | torch.device | None, dtype: Format) -> OpenedModel:
    """The model in a file, which is GGUF or one that a converter knows."""
    if file_magic(file) != "gguf":
        return open_foreign(file, given, device, dtype)
    refuse_given(file, given)
    from headscope.models.checkpoints.gguf_file import KIND, converted_gguf, gguf_tokenizer  # imports much

    opened = opened_model(file, converted_gguf(file), opened_as(KIND, (), ()), device, dtype)
    return replace(opened, tokenizer=gguf_tokenizer(file))


def place_of_model(path: Path) -> Path:
    """The folder of Hugging Face's, or the file of weights, that holds the model at a path."""
    if not path.is_dir():
        return path
    folder = model_folder(path)
    if any((folder / name).exists() for name in (CONFIG, INTERRUPTED, ADAPTER)):
        return folder
    if steps := snapshots(folder):
        return place_of_model(steps[max(steps)])
    return file_of_weights(folder) or folder


def file_of_weights(folder: Path) -> Path | None:
    """The file of weights in a folder that is none of Hugging Face's; which of several is for the user to say."""
    files = weight_files(folder)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise CheckpointError(f"cannot open {folder}: it has no {CONFIG}, and {len(files)} files: name one of {names}")
    return files[0] if files else None


def newest_of_run(path: Path, place: Path) -> str:
    """The end of a sentence that says which snapshot of a run was taken, where one was."""
    if not path.is_dir() or place in (path, model_folder(path)) or not (steps := snapshots(path)):
        return ""
    return f"; took {steps[max(steps)].name}, the newest of {len(steps)} snapshots"


def refuse_given(folder: Path, given: Given) -> None:
    """Raise CheckpointError for facts that are given of a folder or GGUF file, which say all of them themselves."""
    if given:
        raise CheckpointError(f"cannot open {folder}: {', '.join(given)} was given, which it says itself")


def is_asked(path: Path) -> bool:
    """Whether what lies at a path may not say all that must be known: a file in a layout of others' code."""
    return place_of_model(path).is_file()


def modality_of_place(path: Path) -> Modality | None:
    """What the model at a path reads, before it is opened; None for a family that is not known."""
    place = place_of_model(path)
    if place.is_file():
        return TEXT if file_magic(place) == "gguf" else recognition(place, {}).converter.modality
    family = FAMILIES.get(str(read_object(place, CONFIG).get("model_type")))
    return family.modality if family else None


def given_facts(words: list[str]) -> Mapping[str, Value]:
    """Facts from NAME=VALUE, each name once. Raises ValueError for what is no such pair."""
    result: dict[str, Value] = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if not is_pair or not name.strip() or not value.strip():
            raise ValueError(f"--given takes NAME=VALUE, as n_heads=8; got {word!r}")
        if name.strip() in result:
            raise ValueError(f"--given {name.strip()} was given twice")
        result[name.strip()] = value.strip()
    return result
