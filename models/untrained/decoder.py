"""A small decoder for a task: a Llama of a few narrow layers with any attention, its weights from a seed."""

from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from headscope.models.hosts.attachment import attach
from headscope.models.hosts.spec import AttentionSpec


@dataclass(frozen=True)
class DecoderShape:
    """Layers, heads, width, tokens that it knows and positions that it reads."""

    layers: int
    heads: int
    d_model: int
    vocabulary: int
    context: int


def small_decoder(shape: DecoderShape, spec: AttentionSpec, seed: int) -> PreTrainedModel:
    """Equal seeds give equal weights for every attention; what a variant learns besides starts at its own start."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.d_model,
        intermediate_size=8 * round(shape.d_model / 3),
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.context,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
        tie_word_embeddings=False,
    )
    return attach(LlamaForCausalLM(config), spec)
