"""The model that a description makes: its parameters' names and shapes first, without memory, then the model itself."""

from dataclasses import dataclass

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.initialization import no_init_weights

from models.attachment import attach
from models.checkpoints.description import Description
from models.checkpoints.refusal import CheckpointError

SMALL = 2**20  # numbers


@dataclass(frozen=True)
class Skeleton:
    """Shape of every stored parameter by name, and for each tied one the name of the parameter that it repeats."""

    shapes: dict[str, tuple[int, ...]]
    tied: dict[str, str]
    attention: tuple[str, ...]
    prefix: str


def skeleton(description: Description, origin: str) -> Skeleton:
    """Names and shapes of the described model; nothing is allocated."""
    try:
        with torch.device("meta"):
            model = _model(description)
    except Exception as error:
        raise CheckpointError(f"cannot open {origin}: no model can be made from config.json ({error})") from error
    _refuse_large_buffers(model, origin)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    attention = tuple(name for name, module in model.named_modules() if "variant" in module._modules)
    return Skeleton(shapes, dict(model.all_tied_weights_keys), attention, f"{model.base_model_prefix}.")


def empty_model(description: Description) -> PreTrainedModel:
    """The described model in eval mode, its parameters allocated but not set, its other buffers computed."""
    with no_init_weights():
        return _model(description).eval()


def _refuse_large_buffers(model: PreTrainedModel, origin: str) -> None:
    """Shapes of buffers stand in no header: a factor in config.json alone could make them fill the memory."""
    buffers, parameters = (sum(tensor.numel() for tensor in group) for group in (model.buffers(), model.parameters()))
    if buffers > max(parameters, SMALL):
        raise CheckpointError(
            f"cannot open {origin}: config.json makes {buffers} numbers of buffers; its rope is wrong"
        )


def _model(description: Description) -> PreTrainedModel:
    return attach(AutoModelForCausalLM.from_config(description.config, dtype=torch.float32), description.spec)
