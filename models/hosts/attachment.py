"""Put an attention variant into a Hugging Face model, and take it out again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from headscope.models.attention import variant_named
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.hosts.added_to_scores import refuse_added_parts
from headscope.models.hosts.attention_function import NAME, register
from headscope.models.hosts.attention_layer import AttentionLayer, layer_on, variant_on
from headscope.models.hosts.call_facts import count_of_call, temperature_hooks, with_pattern_request
from headscope.models.hosts.carried import (
    is_hooked,
    own_spec,
    refuse_lost_variant,
    refuse_other_implementation,
    refuse_other_layers,
    refuse_other_models,
)
from headscope.models.hosts.documents import keep_documents_apart
from headscope.models.hosts.execution_device import execution_device, floating_dtype
from headscope.models.hosts.families import (
    AttentionModule,
    Family,
    attention_modules,
    entrance,
    family_of,
    layer_modules,
    layer_shape,
    layers_with_attention,
    modality_of,
)
from headscope.models.hosts.input_parts import input_parts_hook, input_parts_keyword
from headscope.models.hosts.kept_keywords import handed_on
from headscope.models.hosts.padding_notice import give_padding_notice
from headscope.models.hosts.proof import refuse_unproved
from headscope.models.hosts.spec import AttentionSpec, mixed
from headscope.models.seam.construction import CONSTRUCTION
from headscope.models.seam.own_attention import Redirection, redirections, set_implementation, usual_implementation
from headscope.models.seam.pass_hooks import pass_hooks, query_hook
from headscope.models.seam.projections import projections


@dataclass(frozen=True)
class Attachment:
    """What detach needs to give the model back as it was."""

    spec: AttentionSpec
    handles: tuple[RemovableHandle | Redirection, ...]
    previous_implementation: str | None


def attach(model: PreTrainedModel, spec: AttentionSpec | Sequence[AttentionSpec]) -> PreTrainedModel:
    """The same model with the spec's variant in its layers, in place, through transformers' attention interface.

    Several specs give each of its layers to one of them. Layers that none chooses compute softmax; where the model's
    own attention has sinks, softmax is the variant that weighs with them, and other variants are refused. Learned parts
    become parameters of the model, named `…<attention>.variant.…`. A model that carries a variant already changes to
    the new one. A model of a family that is not listed is run on a few tokens first, which proves that its layers
    compute what the variant gives them.

    Raises ValueError for what is no transformers model, for a family that is not supported, one whose attention has
    parts that no variant computes with or that fails the proof (the model is then as it was), and for layers that the
    model has not.
    """
    spec = mixed(specs_of(spec))
    refuse_other_models("attach", model)
    carrier = carrying(model, spec)
    if not family_of(model.config.model_type).is_listed:
        try:
            refuse_unproved(carrier)
        except ValueError:
            detach(model)
            raise
    return carrier


def specs_of(spec: object) -> list[AttentionSpec]:
    """One spec, or several. Raises ValueError for anything else."""
    several = cast(list[object], list(spec)) if isinstance(spec, list | tuple) else [spec]
    for each in several:
        if not isinstance(each, AttentionSpec):
            raise ValueError(
                f"attach takes an AttentionSpec, such as AttentionSpec('softmax'), or a list of them; got {each!r}"
            )
    return cast(list[AttentionSpec], several)


def carrying(model: PreTrainedModel, spec: AttentionSpec) -> PreTrainedModel:
    """As attach, unproved: for a model whose weights are still to come."""
    family = family_of(model.config.model_type)
    modules = own_attention(model)
    refuse_added_parts(modules)
    spec = resolved_spec(spec, model)
    layers = layers_with_attention(model)
    chosen = spec.by_layer(layers.count, layers.numbers)
    specs = [chosen.get(number, AttentionSpec("softmax")) for number in layers.numbers]
    refuse_lost_parts_of(modules, specs)
    if attachment_of(model) is not None:
        detach(model)
    register()
    with CONSTRUCTION:
        for number, module, its in zip(layers.numbers, modules, specs, strict=True):
            module.variant = new_layer(model, module, its, number)
    for place, module in enumerate(module for module in modules if module.variant.reads_hidden):
        module.variant.place_in_cache = layers.count + place
    previous = model.config._attn_implementation
    previous = None if previous == NAME else previous  # a config that was an attached model's
    set_implementation(model, NAME)
    model.config.attention_spec = spec.to_json()
    hooks, base = listed_hooks if family.is_listed else unlisted_hooks, entrance(model)
    handles = [*call_hooks(base, family, spec), *hooks(model, base, modules, spec), *redirections(model)]
    model.attention_attachment = Attachment(spec, tuple(handles), previous)  # type: ignore[assignment]
    return model


def refuse_lost_parts_of(modules: Sequence[AttentionModule], specs: Sequence[AttentionSpec]) -> None:
    """Raise ValueError where a module has learned what the variant of its layer would lose."""
    for module, spec in zip(modules, specs, strict=True):
        variant_on(module, spec.variant)


def call_hooks(base: nn.Module, family: Family, spec: AttentionSpec) -> list[RemovableHandle]:
    """What every call of the base model goes through, whatever the variant."""
    handles = [base.register_forward_pre_hook(partial(refuse_other_implementation, spec.in_words), with_kwargs=True)]
    if family.modality.reads_ids:
        handles += [keep_documents_apart(base), give_padding_notice(base)]
    return handles


def listed_hooks(
    model: PreTrainedModel, base: nn.Module, modules: Sequence[AttentionModule], spec: AttentionSpec
) -> list[RemovableHandle]:
    """What a listed family's layers are told of a call by keyword."""
    family, handles = family_of(model.config.model_type), list[RemovableHandle]()
    handles.append(base.register_forward_pre_hook(with_pattern_request, with_kwargs=True))
    if family.keeps_keywords:
        handles += [each for pair in zip(layer_modules(model), modules, strict=True) for each in handed_on(*pair)]
    handles += [input_parts_keyword(module) for module in modules if module.variant.has_input_parts]
    return handles + (temperature_hooks(model, family, modules) if learns_temperatures(spec) else [])


def unlisted_hooks(
    model: PreTrainedModel, base: nn.Module, modules: Sequence[AttentionModule], spec: AttentionSpec
) -> list[RemovableHandle]:
    """What attention of any other family knows of a call: through the pass, for layers hand on what they like."""
    of_parts = [input_parts_hook(module) for module in modules if module.variant.has_input_parts]
    if not learns_temperatures(spec):
        return pass_hooks(base, lambda arguments: None) + of_parts
    handles = pass_hooks(base, partial(count_of_call, modality_of(model), model.config, modules)) + of_parts
    for module in modules:
        if module.variant.temperature_q is not None:
            handles.append(query_hook(query_projection(module, layer_shape(model, module)), module.variant.number))
    return handles


def learns_temperatures(spec: AttentionSpec) -> bool:
    """Whether a variant of the spec may have learned temperatures."""
    return any(variant_named(part.variant).learns_temperatures for part in spec.parts)


def query_projection(module: nn.Module, shape: LayerShape) -> nn.Module:
    """The part of an attention module that makes W_Q x. Raises ValueError where none stands apart."""
    name = projections(module, {"q": shape.query_width, "k": -1, "v": -1, "o": -1}).get("q")
    if name is None:
        raise ValueError(
            f"temperatures of queries read W_Q x, and a {type(module).__name__} has no projection of its own for it: "
            "leave them out (on_query=False), or take another variant"
        )
    return getattr(module, name)


def detach(model: PreTrainedModel) -> PreTrainedModel:
    """The same model as plain softmax again; what the variant had learned is dropped."""
    refuse_other_models("detach", model)
    attachment = attachment_of(model)
    if attachment is None:
        raise ValueError("detach: this model carries no attention variant; attach one first")
    modules = own_attention(model)
    for handle in attachment.handles:
        handle.remove()
    for module in modules:
        del module.variant
    set_implementation(model, attachment.previous_implementation or usual_implementation(model))
    delattr(model.config, "attention_spec")
    del model.attention_attachment
    return model


def attachment_of(model: PreTrainedModel) -> Attachment | None:
    """The record that attach left on the model, if it did."""
    return getattr(model, "attention_attachment", None)


def spec_of(model: PreTrainedModel) -> AttentionSpec:
    """The spec a model carries; a model nothing was attached to is softmax.

    Raises ValueError where another attention has come into the variant's place since.
    """
    refuse_other_models("spec_of", model)
    attachment = attachment_of(model)
    if attachment is None:
        return AttentionSpec("softmax")
    refuse_other_implementation(attachment.spec.in_words, model)
    refuse_other_layers(attachment.spec, model)
    return attachment.spec


def refuse_drift(model: PreTrainedModel) -> None:
    """Raise ValueError for a model that says another attention, or that its config says of it, than it computes."""
    spec_of(model)
    if attachment_of(model) is None:
        refuse_lost_variant(model)


def resolved_spec(spec: AttentionSpec, model: PreTrainedModel) -> AttentionSpec:
    """The spec with what its options leave to the model filled in, as its variant says; see own_spec."""
    n, parts = modality_of(model).context(model.config), own_spec(spec, model).parts
    return mixed([part.with_options(variant_named(part.variant).in_context(part.options, n)) for part in parts])


def own_attention(model: PreTrainedModel) -> list[AttentionModule]:
    """The model's attention modules as transformers made them; a hooked model and cross-attention are refused."""
    if modality_of(model).asks_masks and getattr(model.config, "is_decoder", False):
        raise ValueError(
            f"a {model.config.model_type} is carried as an encoder, and this config says is_decoder=True: set it to "
            "False, or take a family of decoders"
        )
    if getattr(model.config, "add_cross_attention", False):
        raise ValueError("attention variants are for decoders alone; this model has cross-attention")
    modules = list(attention_modules(model))
    if any(is_hooked(module) for module in modules):
        raise ValueError("this model is hooked: its modules were wrapped in place; load the plain model again")
    return modules


def new_layer(model: PreTrainedModel, module: nn.Module, spec: AttentionSpec, number: int) -> AttentionLayer:
    """A fresh layer of the variant, in the dtype of the attention module it hangs on, there where that computes."""
    layer = layer_on(module, spec, layer_shape(model, module), number)
    return layer.to(dtype=floating_dtype(module), device=execution_device(module)).train(model.training)
