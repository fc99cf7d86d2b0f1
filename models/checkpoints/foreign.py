"""Opening a file of weights in a layout of others' code: recognised, converted, and held against the model it makes."""

from pathlib import Path

import torch
from torch import Tensor, nn

from headscope.models.checkpoints.config.description import description_from_fields
from headscope.models.checkpoints.converters.converter import ConvertedModel
from headscope.models.checkpoints.converters.facts import Given, known_facts
from headscope.models.checkpoints.converters.recognition import WEIGHTS, recognition
from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.memory import refuse_beyond_memory
from headscope.models.checkpoints.files.pickled import NUMBER_FORMATS
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format, own_copy, weights_as, weights_fingerprint
from headscope.models.checkpoints.matching import stored_layers, stored_names
from headscope.models.checkpoints.opening import OpenedModel, filled_model
from headscope.models.checkpoints.skeleton import skeleton
from headscope.models.checkpoints.trial import trial_notes
from headscope.models.io.foreign_input import foreign_input

LAYOUT = "its layout"  # what describes such a model in errors, where of a folder it is config.json


def open_foreign(
    file: Path, given: Given, device: str | torch.device | None = None, dtype: Format = None
) -> OpenedModel:
    """The model in a file that a converter knows; given: facts that the file does not say, by name.

    Raises CheckpointError, in one sentence, for a file that none knows, for facts that are missing, and for one that
    is not exactly such a model.
    """
    known = recognition(file, given)
    converter, checkpoint = known.converter, known.checkpoint
    given_facts = {name: value for name, value in given.items() if name != WEIGHTS}
    facts = known_facts(converter.facts, checkpoint, given_facts, converter.kind)
    with foreign_input(f"cannot open {file}: its tensors are not shaped as {converter.kind}", CheckpointError):
        converted = converter.convert(checkpoint, facts)
    return opened_model(file, converted, opened_as(converter.kind, (known.note,), facts.assumptions), device, dtype)


def opened_model(
    file: Path, converted: ConvertedModel, sentence: str, device: str | torch.device | None, dtype: Format
) -> OpenedModel:
    """The model that was converted from a file, with the checks of a folder."""
    origin = str(file)
    stored = {name: stored_tensor(file, name, tensor) for name, tensor in converted.tensors.items()}
    words = description_from_fields(converted.fields, stored_layers(list(stored)), origin)
    frame = skeleton(words, origin, LAYOUT)
    result = stored_names(stored, frame, origin, LAYOUT)
    refuse_beyond_memory(stored, result, dtype, origin)
    reader = lambda name: own_copy(converted.tensors[name])  # noqa: E731
    model = filled_model(words, weights_as(dtype, result, reader), frame.tied, origin)
    fingerprint = weights_fingerprint(stored, result, words.fields, reader)
    not_finite = trial_notes(model, origin)
    nn.Module.to(model, device or "cpu")
    return OpenedModel(model, None, words.spec, lambda: fingerprint, sentence, not_finite)


def stored_tensor(file: Path, name: str, tensor: Tensor) -> StoredTensor:
    """What a header would say of a converted tensor."""
    if tensor.dtype not in NUMBER_FORMATS:
        raise CheckpointError(f"cannot open {file}: {name!r} is stored as {tensor.dtype}, which are no weights")
    return StoredTensor(file, NUMBER_FORMATS[tensor.dtype], tuple(tensor.shape))


def opened_as(kind: str, notes: tuple[str, ...], assumptions: tuple[str, ...]) -> str:
    """What a file was taken for, which part of it, and what was assumed, as a sentence."""
    taken = "; took ".join(("", *(note for note in notes if note)))
    assumed = f"; assumed {', '.join(assumptions)}" if assumptions else ""
    return f"opened as {kind}{taken}{assumed}"
