"""What layers need to know of a call beyond their own inputs, handed down by keyword; nothing is stored."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from models.families import Family


def temperature_hooks(model: PreTrainedModel, family: Family, modules: list[Any]) -> list[RemovableHandle]:
    """Hand each layer, by keyword, its query temperatures and the count of visible tokens; nothing is stored."""
    base = model.base_model
    names = tuple(inspect.signature(base.forward).parameters)
    handles = [base.register_forward_pre_hook(partial(with_visible_count, names), with_kwargs=True)]
    project = family.query_projection
    for module in modules:
        if module.variant.temperature_q is not None:
            hook = partial(with_query_temperature, project)
            handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
    return handles


def with_pattern_request(base: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The base model's call with need_pattern added; some families keep output_attentions to themselves."""
    return args, {**kwargs, "need_pattern": bool(kwargs.get("output_attentions") or base.config.output_attentions)}


def with_visible_count(names: tuple[str, ...], base: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The base model's call with visible_count [batch or 1, past + query] added."""
    return args, {**kwargs, "visible_count": visible_count(by_name(names, args, kwargs))}


def by_name(names: tuple[str, ...], args: Any, kwargs: Any) -> dict[str, Any]:
    """All arguments of a call by name; `names` are the parameters in order."""
    return {**dict(zip(names, args, strict=False)), **kwargs}


def visible_count(given: dict[str, Any]) -> Int[Tensor, "batch_or_one total"]:
    """n of the positional temperature: tokens at or before each position that are not padding, from 1."""
    mask, cache = given.get("attention_mask"), given.get("past_key_values")
    if mask is None:
        tokens = given["input_ids"] if given.get("inputs_embeds") is None else given["inputs_embeds"]
        past = 0 if cache is None else cache.get_seq_length()
        return torch.arange(1, past + tokens.shape[1] + 1, device=tokens.device)[None]
    if not isinstance(mask, Tensor) or mask.ndim != 2:
        raise ValueError(
            "selective attention counts visible tokens and needs the [batch, position] attention mask; "
            "a static cache prepares other masks: use a dynamic one"
        )
    return mask.long().cumsum(-1).clamp_min(1)


def with_query_temperature(
    project: Callable[[Any, Tensor], Tensor], module: Any, args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The attention module's call with temperature_q [batch, 1, query] added, from W_Q x before rotation and norm."""
    hidden = args[0] if args else kwargs["hidden_states"]
    count = kwargs["visible_count"][:, -hidden.shape[1] :]
    tempered = module.variant.temperature_q(project(module, hidden), count)
    return args, {**kwargs, "temperature_q": tempered}
