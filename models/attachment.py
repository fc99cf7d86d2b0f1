"""Put an attention variant into a Hugging Face decoder, and take it out again."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from models.attention_function import NAME, register
from models.attention_layer import AttentionLayer
from models.families import Family, attention_modules, family_of, layer_shape
from models.spec import AttentionSpec


@dataclass(frozen=True)
class Attachment:
    """What detach needs to give the model back as it was."""

    spec: AttentionSpec
    handles: tuple[RemovableHandle, ...]
    previous_implementation: str | None


def attach(model: PreTrainedModel, spec: AttentionSpec) -> PreTrainedModel:
    """The same model with the spec's variant in its layers, in place, through transformers' attention interface.

    Layers that the spec does not choose compute softmax. Learned parts become parameters of the model, named
    `…<attention>.variant.…`. A model that carries a variant already changes to the new one.

    Raises ValueError for a family that is not supported and for layers that the model has not.
    """
    family = family_of(model.config.model_type)
    modules = list(attention_modules(model))
    spec = resolved(spec, model)
    chosen = spec.chosen(len(modules))
    if attachment_of(model) is not None:
        detach(model)
    register()
    for number, module in enumerate(modules):
        module.variant = new_layer(model, spec if number in chosen else AttentionSpec("softmax"))
    previous = model.config._attn_implementation
    model.set_attn_implementation(NAME)
    model.config.attention_spec = spec.to_json()
    handles = [model.base_model.register_forward_pre_hook(with_pattern_request, with_kwargs=True)]
    handles += temperature_hooks(model, family, modules) if spec.variant == "selective" else []
    model.attention_attachment = Attachment(spec, tuple(handles), previous)  # type: ignore[assignment]
    return model


def detach(model: PreTrainedModel) -> PreTrainedModel:
    """The same model as plain softmax again; what the variant had learned is dropped."""
    attachment = attachment_of(model)
    if attachment is None:
        raise ValueError("detach: this model carries no attention variant; attach one first")
    for handle in attachment.handles:
        handle.remove()
    for module in attention_modules(model):
        del module.variant
    model.set_attn_implementation(attachment.previous_implementation or "sdpa")
    delattr(model.config, "attention_spec")
    del model.attention_attachment
    return model


def attachment_of(model: PreTrainedModel) -> Attachment | None:
    """The record that attach left on the model, if it did."""
    return getattr(model, "attention_attachment", None)


def spec_of(model: PreTrainedModel) -> AttentionSpec:
    """The spec a model carries; a model nothing was attached to is softmax."""
    attachment = attachment_of(model)
    return AttentionSpec("softmax") if attachment is None else attachment.spec


def resolved(spec: AttentionSpec, model: PreTrainedModel) -> AttentionSpec:
    """The spec with what it leaves to the model filled in: polynomial's n_ctx is the model's context by default."""
    options = dict(spec.options)
    if spec.variant != "polynomial" or options["coefficient"] is not None or options["n_ctx"] is not None:
        return spec
    options["n_ctx"] = model.config.max_position_embeddings
    return AttentionSpec(spec.variant, layers=spec.layers, **options)  # type: ignore[arg-type]


def new_layer(model: PreTrainedModel, spec: AttentionSpec) -> AttentionLayer:
    """A fresh layer of the variant in the model's own dtype and device."""
    layer = AttentionLayer(spec.variant, spec.options, layer_shape(model))
    return layer.to(dtype=model.dtype, device=model.device).train(model.training)


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
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return args, {**kwargs, "visible_count": visible_count(given)}


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
