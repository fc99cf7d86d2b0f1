"""What layers need to know of a call beyond their own inputs, handed down by keyword; nothing is stored."""

import inspect
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedConfig, PreTrainedModel

from headscope.models.hosts.documents import document_numbers, within_documents
from headscope.models.hosts.families import AttentionModule, Family, QueryProjection, hides_the_future
from headscope.models.hosts.modality import Modality
from headscope.models.seam.call_arguments import Keywords, Places, by_name


def temperature_hooks(
    model: PreTrainedModel, family: Family, modules: Sequence[AttentionModule]
) -> list[RemovableHandle]:
    """Hand each layer, by keyword, its query temperatures and the count of visible tokens; nothing is stored."""
    base = model.base_model
    names = tuple(inspect.signature(base.forward).parameters)
    causal = all(hides_the_future(module) for module in modules)
    count = partial(with_visible_count, family.modality, causal, names)
    handles = [base.register_forward_pre_hook(count, with_kwargs=True)]
    project = family.query_projection
    for module in modules:
        if project is not None and module.variant.temperature_q is not None:
            hook = partial(with_query_temperature, project)
            handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
    return handles


def with_pattern_request(base: PreTrainedModel, args: Places, kwargs: Keywords) -> tuple[Places, Keywords]:
    """The base model's call with need_pattern added; some families keep output_attentions to themselves."""
    return args, {**kwargs, "need_pattern": bool(kwargs.get("output_attentions") or base.config.output_attentions)}


def with_visible_count(
    modality: Modality, causal: bool, names: tuple[str, ...], base: PreTrainedModel, args: Places, kwargs: Keywords
) -> tuple[Places, Keywords]:
    """The base model's call with visible_count [batch or 1, past + query] added."""
    arguments = by_name(names, args, kwargs)
    if arguments.get("is_causal") not in (None, causal):
        raise ValueError(f"tempered attention counts visible tokens as its layers see them, with is_causal={causal}")
    count = visible_count(padding_mask(modality, base.config, arguments), causal)
    return args, {**kwargs, "visible_count": within_documents(count, document_numbers(arguments))}


def count_of_call(
    modality: Modality, config: PreTrainedConfig, modules: Sequence[nn.Module], arguments: Keywords
) -> Int[Tensor, "batch_or_more total"]:
    """The visible tokens up to each position of a call, by its arguments by name."""
    causal = all(hides_the_future(module) for module in modules)
    count = visible_count(padding_mask(modality, config, arguments), causal)
    return within_documents(count, document_numbers(arguments))


def padding_mask(
    modality: Modality, config: PreTrainedConfig, arguments: Keywords
) -> Shaped[Tensor, "batch_or_one total"]:
    """Which tokens of a call, and of the cache before it, are not padding."""
    mask, cache = arguments.get("attention_mask"), arguments.get("past_key_values")
    if mask is None:
        past = 0 if cache is None else cache.get_seq_length()
        return torch.ones(1, past + modality.count(config, arguments), dtype=torch.bool, device=device_of(arguments))
    if not isinstance(mask, Tensor) or mask.ndim != 2:
        raise ValueError(
            "tempered attention counts visible tokens and needs the [batch, position] attention mask; "
            "a static cache prepares other masks: use a dynamic one"
        )
    return mask


def visible_count(mask: Shaped[Tensor, "batch_or_one total"], causal: bool) -> Int[Tensor, "batch_or_one total"]:
    """n of the positional temperature: how many tokens that are not padding each position sees, from 1."""
    counted = mask.long().cumsum(-1).clamp_min(1)
    return counted if causal else counted[:, -1:].expand_as(counted)


def device_of(arguments: Keywords) -> torch.device:
    """Where the call's input lies."""
    return next(value.device for value in arguments.values() if isinstance(value, Tensor))


def with_query_temperature(
    project: QueryProjection, module: AttentionModule, args: Places, kwargs: Keywords
) -> tuple[Places, Keywords]:
    """The attention module's call with temperature_q [batch, 1, query] added, from W_Q x before rotation and norm."""
    hidden = args[0] if args else kwargs["hidden_states"]
    count = kwargs["visible_count"][:, -hidden.shape[1] :]
    tempered = module.variant.temperature_q(project(module, hidden), count)
    return args, {**kwargs, "temperature_q": tempered}
