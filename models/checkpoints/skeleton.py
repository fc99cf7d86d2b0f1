"""The model that a description makes: its parameters' names and shapes first, without memory, then the model itself."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from headscope.models.checkpoints.config.description import Description
from headscope.models.checkpoints.file_names import names_in_files
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.attachment import carrying
from headscope.models.hosts.families import family_of
from headscope.models.io.foreign_input import foreign_input
from headscope.models.seam.construction import CONSTRUCTION, parameters_without_memory, without_initialisation

SMALL = 2**20  # numbers


@dataclass(frozen=True)
class Skeleton:
    """What the described model's tensors are called and how large they are.

    shapes: of every parameter by name. tied: repeating name -> repeated name. file_names: parameter name -> its name in
    files, where that is another. attention: names of the attention modules. prefix: of the base model's names.
    head: the name of the model's class.
    """

    shapes: dict[str, tuple[int, ...]]
    tied: dict[str, str]
    file_names: dict[str, str]
    attention: tuple[str, ...]
    prefix: str
    head: str


def skeleton(description: Description, origin: str, described_by: str = "config.json") -> Skeleton:
    """Names and shapes of the described model; nothing is allocated."""
    with foreign_input(f"cannot open {origin}: {described_by} makes no model", CheckpointError), torch.device("meta"):
        model = _model(description)
    _refuse_large_buffers(model, origin)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    file_names = names_in_files(model.config.model_type, shapes)
    attention = tuple(name for name, module in model.named_modules() if "variant" in module._modules)
    return Skeleton(
        shapes,
        dict(model.all_tied_weights_keys),
        file_names,
        attention,
        f"{model.base_model_prefix}.",
        type(model).__name__,
    )


def empty_model(description: Description) -> PreTrainedModel:
    """The described model in eval mode, its parameters without memory yet, its other buffers computed."""
    with without_initialisation(), parameters_without_memory():
        return _model(description).eval()


def _refuse_large_buffers(model: PreTrainedModel, origin: str) -> None:
    """Shapes of buffers stand in no header: a factor in config.json alone could make them fill the memory."""
    buffers, parameters = (sum(part.numel() for part in parts) for parts in (model.buffers(), model.parameters()))
    if buffers > max(parameters, SMALL):
        raise CheckpointError(
            f"cannot open {origin}: config.json makes {buffers} numbers of buffers; its rope is wrong"
        )


def _model(description: Description) -> PreTrainedModel:
    config = deepcopy(description.config)  # a model changes its config
    head = family_of(config.model_type).modality.head_of(config)
    with CONSTRUCTION:
        return carrying(head.from_config(config, dtype=torch.float32), description.spec)
