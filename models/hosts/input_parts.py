"""Input parts: what a layer makes of what its attention module reads, made before the call and handed to it."""

from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from transformers.cache_utils import Cache

from headscope.models.hosts.families import AttentionModule
from headscope.models.seam.call_arguments import Keywords, Places
from headscope.models.seam.model_pass import current_pass

KEYWORD = "input_parts"


def input_parts_keyword(module: AttentionModule) -> RemovableHandle:
    """From now on a call of an attention module, which hands its keywords on, is told them by keyword."""

    def with_input_parts(module: AttentionModule, args: Places, kwargs: Keywords) -> tuple[Places, Keywords]:
        return args, {**kwargs, KEYWORD: input_parts_of_call(module, args, kwargs)}

    return module.register_forward_pre_hook(with_input_parts, with_kwargs=True)


def input_parts_hook(module: AttentionModule) -> RemovableHandle:
    """From now on the pass keeps them for a module that hands on what it likes."""

    def keep(module: AttentionModule, args: Places, kwargs: Keywords) -> None:
        current_pass().input_parts[module.variant.number] = input_parts_of_call(module, args, kwargs)

    return module.register_forward_pre_hook(keep, with_kwargs=True)


def input_parts_of_call(module: AttentionModule, args: Places, kwargs: Keywords) -> dict[str, Tensor]:
    """What the layer makes of the hidden states of a call of its module."""
    return module.variant.input_parts(hidden_of_call(args, kwargs), cache_of_call(args, kwargs))


def hidden_of_call(args: Places, kwargs: Keywords) -> Float[Tensor, "batch pos d_model"]:
    """The hidden states that an attention module is called with."""
    return args[0] if args else kwargs["hidden_states"]


def cache_of_call(args: Places, kwargs: Keywords) -> Any:
    """The cache of a call, or None."""
    return next((value for value in (*args, *kwargs.values()) if isinstance(value, Cache)), None)
