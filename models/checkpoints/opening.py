"""Opening a model folder: the door, the headers, the config against them, and only then the numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from headscope.models.checkpoints.config.description import Description, description
from headscope.models.checkpoints.converted import converted_model, fingerprint_of_files, is_converted
from headscope.models.checkpoints.files.contents import refuse_without_config
from headscope.models.checkpoints.files.entries import model_folder, read_object
from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.memory import refuse_beyond_memory
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import stored_weights
from headscope.models.checkpoints.files.versions import file_versions, unchanged
from headscope.models.checkpoints.files.weights import (
    Format,
    checked_format,
    tensor_reader,
    weights_as,
    weights_fingerprint,
)
from headscope.models.checkpoints.image_processor import give_processor
from headscope.models.checkpoints.matching import stored_layers, stored_names
from headscope.models.checkpoints.skeleton import empty_model, skeleton
from headscope.models.checkpoints.ties import retied_tensors
from headscope.models.checkpoints.tokenizer import folder_tokenizer
from headscope.models.checkpoints.trial import trial_notes
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.foreign_input import foreign_input
from headscope.models.seam.construction import CONSTRUCTION

PLAIN = "opened as a Hugging Face folder"


@dataclass(frozen=True)
class OpenedModel:
    """A transformers model in eval mode that carries its variant, its tokenizer if it has one, and its spec.

    stored_digest: computes the fingerprint. opened_as: what it was taken for, and what was assumed, as a sentence.
    not_finite: a sentence for every layer whose weights hold NaN or infinity.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase | None
    spec: AttentionSpec
    stored_digest: Callable[[], str]
    opened_as: str = PLAIN
    not_finite: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """sha256 (hex) of the stored weights, config and spec: reads the files once more, so only when asked for.

        Raises CheckpointError where a file was written over since the model was opened.
        """
        return self.stored_digest()


def open_folder(path: str | Path, device: str | torch.device | None = None, dtype: Format = None) -> OpenedModel:
    """Open a Hugging Face folder, or one of the hub's cache; without an attention spec it is softmax.

    dtype: None widens 16-bit weights to float32 (exactly), "auto" keeps every tensor as stored, a torch dtype casts.
    Weights are safetensors, or a .bin whose pickle makes tensors and nothing else.
    Never runs code from the folder and never asks the network. Head counts cannot be checked against weights: they
    are what config.json says. Raises CheckpointError, in one sentence, for all that is not exactly such a model.
    """
    checked_format(dtype, "open_folder")
    folder = model_folder(path)
    refuse_without_config(folder)
    stored = stored_weights(folder)
    versions = file_versions(tensor.file for tensor in stored.values())
    words = description(folder, stored_layers(list(stored)))
    frame = skeleton(words, str(folder))
    if is_converted(stored, frame, words.config.model_type):
        model, digest = converted_model(folder, words, stored, dtype), partial(fingerprint_of_files, words, stored)
    else:
        result = stored_names(stored, frame, str(folder))
        refuse_beyond_memory(stored, result, dtype, str(folder))
        model = filled_model(words, weights_as(dtype, result, tensor_reader(stored)), frame.tied, str(folder))
        digest = partial(fingerprint_of_weights, stored, result, words)
    _set_generation(model, folder)
    give_processor(model, folder)
    tokenizer = folder_tokenizer(folder)
    not_finite = trial_notes(model, str(folder))
    nn.Module.to(model, device or "cpu")
    return OpenedModel(model, tokenizer, words.spec, partial(unchanged, versions, digest), not_finite=not_finite)


def fingerprint_of_weights(stored: dict[str, StoredTensor], result: dict[str, str], words: Description) -> str:
    """sha256 (hex) of the description and of the tensors that the files hold."""
    return weights_fingerprint(stored, result, words.fields, tensor_reader(stored))


def filled_model(words: Description, tensors: dict[str, Tensor], tied: dict[str, str], origin: str) -> PreTrainedModel:
    """The described model with these weights."""
    with CONSTRUCTION:  # while another thread makes an empty model, a parameter put into any module loses its numbers
        model = empty_model(words)
        model.load_state_dict(retied_tensors(tensors, tied, origin), strict=True, assign=True)
        model.tie_weights()
    model.config.dtype = model.dtype
    return model


def _set_generation(model: PreTrainedModel, folder: Path) -> None:
    if (folder / "generation_config.json").exists():
        fields, file = read_object(folder, "generation_config.json"), folder / "generation_config.json"
        with foreign_input(f"cannot open {file}: transformers refuses it", CheckpointError):
            model.generation_config = GenerationConfig.from_dict(fields)
