"""The Hugging Face families: where their attention modules are, how a layer projects its queries, what they read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from models.attention_layer import LayerShape
from models.modality import IMAGE, NOISY_IMAGE, TEXT, Modality

Hidden = Float[Tensor, "batch pos d_model"]
Projected = Float[Tensor, "batch pos width"]


@dataclass(frozen=True)
class Family:
    """One architecture: the path from the base model to each layer's attention, and W_Q x of such a module."""

    layers: str
    attention: str
    query_projection: Callable[[Any, Hidden], Projected]
    modality: Modality = TEXT


def split_projection(module: Any, hidden: Hidden) -> Projected:
    """q_proj of the Llama-shaped families and of ViT."""
    return module.q_proj(hidden)


def gpt2_projection(module: Any, hidden: Hidden) -> Projected:
    """The first third of c_attn."""
    return module.c_attn(hidden).split(module.split_size, dim=2)[0]


def neox_projection(module: Any, hidden: Hidden) -> Projected:
    """query_key_value interleaves q, k and v head by head."""
    fused = module.query_key_value(hidden).unflatten(-1, (-1, 3 * module.head_size))
    return fused[..., : module.head_size].flatten(2)


LLAMA_SHAPED = Family("layers", "self_attn", split_projection)

FAMILIES: dict[str, Family] = {
    "gpt2": Family("h", "attn", gpt2_projection),
    "gpt_neox": Family("layers", "attention", neox_projection),
    "llama": LLAMA_SHAPED,
    "qwen3": LLAMA_SHAPED,
    "gemma2": LLAMA_SHAPED,
    "gemma3_text": LLAMA_SHAPED,
    "vit": Family("layers", "attention", split_projection, IMAGE),
    "uvit": Family("layers", "attention", split_projection, NOISY_IMAGE),
}


def family_of(model_type: str) -> Family:
    """The family's record, or an error that lists the supported ones."""
    if model_type not in FAMILIES:
        raise ValueError(f"model family {model_type!r} is not supported; supported: {', '.join(FAMILIES)}")
    return FAMILIES[model_type]


def hides_the_future(module: Any) -> bool:
    """Whether an attention module follows the causal rule; those of transformers say so themselves."""
    return getattr(module, "is_causal", True)


def modality_of(model: PreTrainedModel) -> Modality:
    """What the model reads."""
    return family_of(model.config.model_type).modality


def attention_modules(model: PreTrainedModel) -> Iterator[Any]:
    """The attention module of each layer, first to last."""
    family = family_of(model.config.model_type)
    for layer in getattr(model.base_model, family.layers):
        yield getattr(layer, family.attention)


def layer_shape(model: PreTrainedModel) -> LayerShape:
    """Head count and projection widths from the config."""
    config: Any = model.config
    n_heads = config.num_attention_heads
    d_head = getattr(config, "head_dim", None) or config.hidden_size // n_heads
    n_key_value_heads = getattr(config, "num_key_value_heads", None) or n_heads
    return LayerShape(n_heads, n_heads * d_head, n_key_value_heads * d_head)
