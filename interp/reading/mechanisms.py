"""Which mechanisms beyond softmax the attention of a model has, that can be taken out of its heads."""

from typing import Any

from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.models.hosts.attention_layer import AttentionLayer

NEGATIVE, GATE, TEMPERATURE = "negative", "gate", "temperature"
OF_TEMPERATURES = ("hook_temperature_q", "hook_temperature_v")


def mechanisms(model: HookedModel) -> dict[str, tuple[int, ...]]:
    """The mechanisms of a model that can be taken out, with the layers that have them."""
    result: dict[str, list[int]] = {}
    for layer in head_layers(model):
        for name in mechanisms_of_layer(model.blocks[layer].attn):
            result.setdefault(name, []).append(layer)
    return {name: tuple(layers) for name, layers in result.items()}


def mechanisms_of_layer(attention: Any) -> list[str]:
    """Those of one attention module behind hooks."""
    layer: AttentionLayer = attention.layer
    is_there = {
        NEGATIVE: not layer.variant.non_negative,
        GATE: hasattr(attention, "hook_gate") and layer.factor is None,
        TEMPERATURE: any(hasattr(attention, name) for name in OF_TEMPERATURES),
    }
    return [*layer.variant.without, *(name for name, there in is_there.items() if there)]
