"""A tempered model: a trained softmax model with learned temperatures, and nothing else to learn."""

from collections.abc import Iterator

from torch import nn
from transformers import PreTrainedModel

from headscope.models.attention import variant_named
from headscope.models.attention.learned_part import Still
from headscope.models.fitting.count import Count
from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec


def temperature_parameters(model: PreTrainedModel) -> Iterator[tuple[str, nn.Parameter]]:
    """What a variant adds to a model, by name."""
    return ((name, item) for name, item in model.named_parameters() if ".variant." in name)


def tempered_model(model: PreTrainedModel, spec: AttentionSpec) -> PreTrainedModel:
    """The same model, in place, with temperatures of almost 1 at first; they alone ask for gradients.

    Raises ValueError for a spec whose variant learns no temperatures, or that adds nothing.
    """
    if not variant_named(spec.variant).learns_temperatures:
        raise ValueError(f"tempered takes a spec that learns temperatures, got {spec.variant!r}")
    model = attach(model, spec).requires_grad_(False)
    added = dict(temperature_parameters(model))
    if not added:
        raise ValueError(f"this spec adds no temperature: {dict(spec.options)}; temper tokens, positions, or both")
    still_parts(model)
    for item in added.values():
        item.requires_grad_(True)
    return model


def still_parts(model: PreTrainedModel) -> None:
    """Temperatures almost 1, gates almost open and nothing forgotten: a trained model begins with what it can do."""
    for module in model.modules():
        if isinstance(module, Still):
            module.still()


def count(model: PreTrainedModel) -> Count:
    """Temperatures among all parameters."""
    return Count(sum(item.numel() for _, item in temperature_parameters(model)), model.num_parameters())
