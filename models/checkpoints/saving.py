"""Writing a model folder that opens again as the same model, bit for bit."""

import json
import warnings
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from headscope.models.checkpoints.config.description import Description, description_from_fields
from headscope.models.checkpoints.files.not_finite import kind_of_numbers, not_finite_notes
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.shards import SINGLE
from headscope.models.checkpoints.files.weights import FORMATS
from headscope.models.checkpoints.matching import unknown_names
from headscope.models.checkpoints.replacing import refuse_other_folder, written_whole
from headscope.models.checkpoints.skeleton import Skeleton, skeleton
from headscope.models.checkpoints.ties import refuse_untied
from headscope.models.data.images.processed import processor_of
from headscope.models.hosts.adapters import adapter_words
from headscope.models.hosts.attachment import refuse_drift
from headscope.models.hosts.families import modality_of
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import expanded_path
from headscope.models.io.whole_file import write_errors_in_words

NOT_WRITTEN = ("_name_or_path", "_attn_implementation", "attn_implementation", "_experts_implementation")


@runtime_checkable
class ModelBehindHooks(Protocol):
    """A model behind hooks, which knows its weights by the names that they had before."""

    hf_names: tuple[str, ...]

    def hf_state_dict(self) -> dict[str, Tensor]:
        """The weights under transformers' own names."""
        ...


def save(
    model: object,
    folder: str | Path,
    tokenizer: PreTrainedTokenizerBase | None = None,
    dtype: torch.dtype | None = None,
) -> Path:
    """Write `model` (a transformers model, or a hooked one) with its attention spec; gives the folder.

    dtype: None keeps the number format of every weight, a floating torch dtype casts them. The tokenizer that a
    hooked model was made with is written when none is given, and the image processor of the folder that a model came
    from. The folder appears whole or not at all; in one that exists only the checkpoint's own files are replaced, and
    only where it holds the same kind of model or a run's snapshots. Plain transformers opens the folder too, but knows
    no variant: there the weights compute softmax (and temperatures are left out with a warning). Raises
    CheckpointError for what would not open again, and ValueError for a model that no longer computes what it says.
    """
    if dtype not in (None, *FORMATS):
        raise ValueError(f"save: dtype is None or one of {', '.join(map(str, FORMATS))}; got {dtype!r}")
    tokenizer = saved_tokenizer(model) if tokenizer is None else checked_tokenizer(tokenizer)
    original = plain_model(model)
    refuse_drift(original)
    words = description_from_fields(config_fields(original), original.config.num_hidden_layers, "the model's config")
    weights = stored_form(plain_weights(model), skeleton(words, "the model's config"), dtype)
    place = expanded_path(folder)
    refuse_other_folder(place, words.fields)
    with write_errors_in_words(place), written_whole(place) as partial:
        save_file(weights, partial / SINGLE, metadata={"format": "pt"})
        if original.can_generate():
            original.generation_config.to_json_file(partial / "generation_config.json")
        if tokenizer is not None:
            tokenizer.save_pretrained(partial)
        if (processor := processor_of(original)) is not None:
            processor.save_pretrained(partial)
        write_config(partial, original, words, weights)
    return place


def saved_tokenizer(model: object) -> PreTrainedTokenizerFast | None:
    """The tokenizer that a hooked model was made with; its own may have a padding token filled in."""
    plain = getattr(model, "plain_tokenizer", None)
    return None if plain is None else checked_tokenizer(plain)


def checked_tokenizer(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerFast:
    """The tokenizer, if it is one that a folder can hold."""
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise CheckpointError(
            f"cannot save a tokenizer of class {type(tokenizer).__name__}; only those with a tokenizer.json are opened"
        )
    return tokenizer


def plain_model(model: object) -> PreTrainedModel:
    """The transformers model that is `model`, or that the hooked `model` stands for."""
    original = getattr(model, "original_model", model)
    if hasattr(original, "merge_and_unload"):
        raise CheckpointError(
            f"cannot save a {type(original).__name__}, which carries an adapter; save(model.merge_and_unload(), folder)"
        )
    if not isinstance(original, PreTrainedModel):
        raise CheckpointError(
            f"cannot save a {type(original).__name__}; save writes transformers models and hooked ones: unwrap it first"
        )
    return original


def plain_weights(model: object) -> dict[str, Tensor]:
    """The model's tensors under transformers' own names."""
    original = plain_model(model)
    if model is original:
        return original.state_dict()
    if not isinstance(model, ModelBehindHooks):
        raise CheckpointError(f"cannot save a {type(model).__name__} that headscope.hooked did not make")
    if words := adapter_words(model.hf_names):
        raise CheckpointError(f"cannot save the model: {words}")
    return model.hf_state_dict()


def config_fields(model: PreTrainedModel) -> Fields:
    """The model's config as plain JSON values, attention spec included."""
    fields = json.loads(json.dumps(model.config.to_diff_dict()))
    if modality_of(model).opens_bare:  # which class it is decides whether there is a head
        fields["architectures"] = [type(model).__name__]
    return {name: value for name, value in fields.items() if name not in NOT_WRITTEN}


def stored_form(weights: dict[str, Tensor], frame: Skeleton, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """Every parameter once, under its name in files, contiguous, on the CPU, in the number format asked for.

    What is not finite opens again with a warning, and is written with one; what would only become so is refused.
    """
    refuse_untied(weights, frame.tied, "cannot save the model")
    stored = sorted(frame.shapes.keys() - frame.tied.keys())
    refuse_other_parameters(weights, stored, frame)
    form = {}
    for name in stored:
        tensor = weights[name].detach().to("cpu", dtype or weights[name].dtype, copy=True).contiguous()
        if tuple(tensor.shape) != frame.shapes[name]:
            raise CheckpointError(
                f"cannot save the model: {name!r} has shape {list(tensor.shape)}, "
                f"its config makes it {list(frame.shapes[name])}"
            )
        if kind_of_numbers(tensor) != kind_of_numbers(weights[name]):
            raise CheckpointError(f"cannot save the model: {name!r} is not finite in {tensor.dtype}")
        form[frame.file_names.get(name, name)] = tensor
    if notes := not_finite_notes(form.items()):
        warnings.warn(f"saved as it is: {'; '.join(notes)}; what is computed from them is not finite", stacklevel=3)
    return form


def refuse_other_parameters(weights: dict[str, Tensor], stored: list[str], frame: Skeleton) -> None:
    """What the config does not ask for would be lost: a head of another kind, a parameter that somebody added."""
    if words := adapter_words(weights):
        raise CheckpointError(f"cannot save the model: {words}")
    for name in stored:
        if name not in weights:
            raise CheckpointError(f"cannot save the model: it has no parameter {name!r}, which its config asks for")
    for name in sorted(unknown_names(weights.keys(), frame)):
        raise CheckpointError(f"cannot save the model: its config knows no tensor {name!r}, so it would not be opened")


def write_config(folder: Path, model: PreTrainedModel, words: Description, weights: dict[str, Tensor]) -> None:
    """config.json, the last file written."""
    number_format = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    fields = {**config_fields(model), "architectures": [type(model).__name__], "dtype": number_format}
    fields["attention_spec"] = words.spec.to_json()
    (folder / "config.json").write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", encoding="utf-8")
