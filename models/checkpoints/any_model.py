"""Opening whatever holds a model: a Hugging Face folder, a run of snapshots, a file of others' code, a LoRA adapter."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch
from torch import nn

from headscope.models.checkpoints.adapter import base_named, merge_adapter
from headscope.models.checkpoints.converters.facts import Given
from headscope.models.checkpoints.files.contents import ADAPTER, refuse_adapter
from headscope.models.checkpoints.files.foreign_file import file_magic
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format, checked_format
from headscope.models.checkpoints.foreign import open_foreign, opened_as, opened_model
from headscope.models.checkpoints.model_place import newest_of_run, place_of_model
from headscope.models.checkpoints.opening import OpenedModel, open_folder
from headscope.models.checkpoints.trial import refuse_broken
from headscope.models.io.foreign_input import expanded_path

BASE = "base"  # the fact that says where an adapter's base model is


def open_model(
    path: str | Path,
    device: str | torch.device | None = None,
    dtype: Format = None,
    given: Given | None = None,
) -> OpenedModel:
    """The model at `path`, recognised by its content; its `opened_as` says what it was taken for, and what was assumed.

    A run of snapshots without a model of its own is its newest. given: what a file of others' code does not say, by
    name, as {"n_heads": 8}, and the base of an adapter; the error names what is missing. dtype as in open_folder.
    Raises CheckpointError, in one sentence, for all that is no such model.
    """
    checked_format(dtype, "open_model")
    place = place_of_model(expanded_path(path))
    opened = open_place(place, given or {}, device, dtype)
    return replace(opened, opened_as=opened.opened_as + newest_of_run(expanded_path(path), place))


def open_place(place: Path, given: Given, device: str | torch.device | None, dtype: Format) -> OpenedModel:
    """The model in a folder of Hugging Face's, or in a file."""
    if place.is_file():
        return open_file(place, given, device, dtype)
    if (place / ADAPTER).exists():
        return open_merged(place, given, device, dtype)
    refuse_given(place, given)
    return open_folder(place, device, dtype)


def open_file(file: Path, given: Given, device: str | torch.device | None, dtype: Format) -> OpenedModel:
    """The model in a file, which is GGUF or one that a converter knows."""
    if file_magic(file) != "gguf":
        return open_foreign(file, given, device, dtype)
    refuse_given(file, given)
    from headscope.models.checkpoints.gguf_file import KIND, converted_gguf, gguf_tokenizer  # imports much

    opened = opened_model(file, converted_gguf(file), opened_as(KIND, (), ()), device, dtype)
    return replace(opened, tokenizer=gguf_tokenizer(file))


def open_merged(folder: Path, given: Given, device: str | torch.device | None, dtype: Format) -> OpenedModel:
    """An adapter within its base, if that is here; CheckpointError says how else to merge it."""
    base = given.get(BASE) or base_named(folder)
    refuse_given(folder, {name: value for name, value in given.items() if name != BASE})
    if base is None or not expanded_path(str(base)).exists():
        refuse_adapter(folder, base)
    opened = open_model(str(base), None, dtype)
    digest = merge_adapter(folder, opened.model)
    refuse_broken(opened.model, str(folder), has_broken_weights=bool(opened.not_finite))
    nn.Module.to(opened.model, device or "cpu")
    whole = lambda: sha256((opened.fingerprint + digest).encode()).hexdigest()  # noqa: E731
    return replace(opened, stored_digest=whole, opened_as=f"opened as a LoRA adapter, merged into {base}")


def refuse_given(place: Path, given: Given) -> None:
    """Raise CheckpointError for facts that are given of a folder or GGUF file, which say all of them themselves."""
    if given:
        raise CheckpointError(f"cannot open {place}: {', '.join(given)} was given, which it says itself")
