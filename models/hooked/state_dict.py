"""The weights of a hooked model under the names they had before it was hooked."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.generalized_components import JointQKVAttentionBridge

from headscope.models.hosts.adapters import adapter_words

WRAPPER = "._original_component"


def hf_state_dict(bridge: TransformerBridge) -> dict[str, Tensor]:
    """Hugging Face's own state dict, detached: what `from_pretrained` of the wrapped model's class reads.

    Edits of the bridge's weights are in it, those of a fused query-key-value matrix included.
    Raises ValueError for processed weights (enable_compatibility_mode), which are no longer those of the model, and
    for a model with an adapter, whose state dict that class does not read.
    """
    if words := adapter_words(bridge.hf_names):
        raise ValueError(f"this model has no state dict of its own: {words}")
    if bridge._weights_processed:
        raise ValueError("the weights of this model were processed (folded, centred); save before processing them")
    model = bridge.original_model
    wrapped = {name.replace(WRAPPER, ""): tensor for name, tensor in model.state_dict().items()}
    return {name: wrapped[name].detach() for name in bridge.hf_names} | fused_projections(bridge)


def fused_projections(bridge: TransformerBridge) -> dict[str, Tensor]:
    """The fused matrices of GPT-2 and GPT-NeoX, put together again from the bridge's q, k and v."""
    fused: dict[str, Tensor] = {}
    for block in bridge.blocks:
        attention = block.attn
        if isinstance(attention, JointQKVAttentionBridge):
            prefix = f"{block.name}.{attention.name}.{attention.submodules['qkv'].name}"
            fused |= {f"{prefix}.{name}": tensor for name, tensor in fused_qkv_parameters(attention).items()}
    return fused


@torch.no_grad()
def fused_qkv_parameters(attention: Any) -> dict[str, Tensor]:
    """weight and bias of the fused projection; where each entry goes is read off a split of entry numbers."""
    qkv: Any = attention.submodules["qkv"]
    fused = {name: parameter.detach().clone() for name, parameter in qkv.original_component.named_parameters()}
    places = attention.split_qkv_matrix(SimpleNamespace(**{qkv.name: entry_numbers(fused)}))
    for part, place in zip((attention.q, attention.k, attention.v), places, strict=True):
        for name, index in place.named_parameters():
            fused[name].view(-1)[index.long().flatten()] = part.original_component.get_parameter(name).flatten()
    return fused


def entry_numbers(parameters: dict[str, Tensor]) -> nn.Module:
    """A module with the same parameters, whose entries are their own places in the flat tensor."""
    module = nn.Module()
    for name, tensor in parameters.items():
        numbers = torch.arange(tensor.numel(), dtype=torch.float64).view(tensor.shape)
        module.register_parameter(name, nn.Parameter(numbers))
    return module
