"""The Hugging Face families: where their attention modules are, how a layer projects its queries, what they read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

from headscope.models.attention.layer_shape import LayerShape
from headscope.models.hosts.modality import (
    IMAGE,
    MASKED_TEXT,
    NOISY_IMAGE,
    PICTURE,
    TEXT,
    TOWER,
    VANILLA_TEXT,
    Modality,
)
from headscope.models.io.near_names import known_names
from headscope.models.seam.dispatch import AttentionLayers, attention_layers, attention_places, reading_module

Hidden = Float[Tensor, "batch pos d_model"]
Projected = Float[Tensor, "batch pos width"]
AttentionModule = Any  # of transformers; what it calls its parts is the family's own
QueryProjection = Callable[[AttentionModule, Hidden], Projected]


@dataclass(frozen=True)
class Family:
    """One architecture: the path from the base model to each layer's attention, and W_Q x of such a module.

    Without a path the attention is where modules ask transformers' interface for it, and what it computes is proved
    when a variant is attached. keeps_keywords: whether a layer does not hand on to its attention what it is told.
    """

    layers: str = ""
    attention: str = ""
    query_projection: QueryProjection | None = None
    modality: Modality = TEXT
    keeps_keywords: bool = False

    @property
    def is_listed(self) -> bool:
        """Whether its paths are known, and the suite proves what it computes."""
        return bool(self.layers)


def split_projection(module: AttentionModule, hidden: Hidden) -> Projected:
    """q_proj of the Llama-shaped families and of ViT."""
    return module.q_proj(hidden)


def gpt2_projection(module: AttentionModule, hidden: Hidden) -> Projected:
    """The first third of c_attn."""
    return module.c_attn(hidden).split(module.split_size, dim=2)[0]


def neox_projection(module: AttentionModule, hidden: Hidden) -> Projected:
    """query_key_value interleaves q, k and v head by head."""
    fused = module.query_key_value(hidden).unflatten(-1, (-1, 3 * module.head_size))
    return fused[..., : module.head_size].flatten(2)


def phi3_projection(module: AttentionModule, hidden: Hidden) -> Projected:
    """The first part of qkv_proj, as wide as the heads together."""
    return module.qkv_proj(hidden)[..., : module.config.num_attention_heads * module.head_dim]


def bigcode_projection(module: AttentionModule, hidden: Hidden) -> Projected:
    """The first part of c_attn where keys and values have one head; else q, k and v stand there head by head."""
    fused = module.c_attn(hidden)
    if module.multi_query:
        return fused[..., : module.embed_dim]
    return fused.unflatten(-1, (module.num_heads, 3 * module.head_dim))[..., : module.head_dim].flatten(-2)


LLAMA_SHAPED = Family("layers", "self_attn", split_projection)

FAMILIES: dict[str, Family] = {
    "gpt2": Family("h", "attn", gpt2_projection),
    "gpt_neox": Family("layers", "attention", neox_projection),
    "llama": LLAMA_SHAPED,
    "qwen3": LLAMA_SHAPED,
    **dict.fromkeys(("gemma", "gemma2", "gemma3_text"), LLAMA_SHAPED),
    **dict.fromkeys(("mistral", "qwen2", "phi", "starcoder2", "granite", "smollm3"), LLAMA_SHAPED),
    **dict.fromkeys(("apertus", "arcee", "ernie4_5", "glm", "glm4", "hunyuan_v1_dense", "seed_oss"), LLAMA_SHAPED),
    "stablelm": Family("layers", "self_attn", split_projection, keeps_keywords=True),
    "phi3": Family("layers", "self_attn", phi3_projection),
    "gpt_bigcode": Family("h", "attn", bigcode_projection),
    "vanilla_transformer": Family("layers", "self_attn", split_projection, VANILLA_TEXT),
    "vit": Family("layers", "attention", split_projection, IMAGE),
    "uvit": Family("layers", "attention", split_projection, NOISY_IMAGE),
}


# Encoders of pictures whose tokens before the patches are known (seam/input_sizes.py).
PICTURE_ENCODERS = {
    **dict.fromkeys(("dinov2", "dinov2_with_registers"), PICTURE),
    **dict.fromkeys(("clip_vision_model", "siglip_vision_model"), TOWER),
}


def is_family(model_type: str) -> bool:
    """Whether models of this type may carry a variant: listed ones, and those that transformers knows as such."""
    return model_type in FAMILIES or unlisted_modality(model_type) is not None


def unlisted_modality(model_type: str) -> Modality | None:
    """What models of a type that is not listed read, by transformers' own mappings; None for what is not opened."""
    if model_type in PICTURE_ENCODERS:
        return PICTURE_ENCODERS[model_type]
    if model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return MASKED_TEXT if reads_text_alone(model_type) else None
    return TEXT if model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and reads_text_alone(model_type) else None


@cache
def reads_text_alone(model_type: str) -> bool:
    """Whether a type has no parts with configs of their own, and no encoder beside its decoder."""
    kind = CONFIG_MAPPING[model_type]
    encodes_masks = model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return not kind.sub_configs and not (encodes_masks and kind().is_encoder_decoder)


def family_of(model_type: str) -> Family:
    """The family's record: of the list, or of any decoder or encoder of transformers.

    Raises ValueError for a type of which transformers has no language model, and which is no encoder of pictures.
    """
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    if (modality := unlisted_modality(model_type)) is not None:
        return Family(modality=modality)
    supported = known_names(model_type, {**FAMILIES, **PICTURE_ENCODERS})
    raise ValueError(
        f"model family {model_type!r} is not supported; supported: {supported}; and every other causal or masked "
        "language model of transformers whose attention goes through its attention interface"
    )


def hides_the_future(module: nn.Module) -> bool:
    """Whether an attention module follows the causal rule; those of transformers say so themselves."""
    return getattr(module, "is_causal", True)


def modality_of(model: PreTrainedModel) -> Modality:
    """What the model reads."""
    return family_of(model.config.model_type).modality


def attention_modules(model: PreTrainedModel) -> Iterator[AttentionModule]:
    """The attention module of each layer, first to last."""
    family = family_of(model.config.model_type)
    if not family.is_listed:
        yield from (place.module for place in attention_places(model))
        return
    for layer in layer_modules(model):
        yield getattr(layer, family.attention)


def layers_with_attention(model: PreTrainedModel) -> AttentionLayers:
    """The numbers of the layers whose modules attention_modules gives; a listed family has attention in all."""
    if family_of(model.config.model_type).is_listed:
        count = len(list(layer_modules(model)))
        return AttentionLayers(tuple(range(count)), count)
    return attention_layers(model, attention_places(model))


def entrance(model: PreTrainedModel) -> nn.Module:
    """The module that every call goes through, with its inputs and mask as they were given."""
    if family_of(model.config.model_type).is_listed:
        return model.base_model
    return reading_module(model, attention_places(model)[0].blocks)


def layer_modules(model: PreTrainedModel) -> Iterator[nn.Module]:
    """The layers of a listed family, first to last."""
    yield from getattr(model.base_model, family_of(model.config.model_type).layers)


def layer_shape(model: PreTrainedModel, module: nn.Module) -> LayerShape:
    """Head count and projection widths of one layer, from its attention module and the config."""
    config = model.config
    n_heads = own_number(module, ("num_heads", "num_attention_heads")) or config.num_attention_heads
    d_head = own_number(module, ("qk_head_dim", "head_dim", "attention_head_size")) or getattr(config, "head_dim", None)
    d_head = d_head or config.hidden_size // n_heads
    n_key_value_heads = 1 if getattr(config, "multi_query", False) else key_heads(config, module, n_heads)
    d_value = own_number(module, ("v_head_dim",)) or d_head
    widths = n_heads * d_head, (n_key_value_heads or n_heads) * d_value
    return LayerShape(n_heads, *widths, config.hidden_size, d_value)


def key_heads(config: PreTrainedConfig, module: nn.Module, n_heads: int) -> int | None:
    """How many heads of keys a module has, which may differ by layer (MiMo-V2); None where nothing says so."""
    own, group = (own_number(module, (f"num_key_value_{name}",)) for name in ("heads", "groups"))
    return own or (n_heads // group if group else getattr(config, "num_key_value_heads", None))


def own_number(module: nn.Module, names: tuple[str, ...]) -> int | None:
    """The first of these attributes that a module has as a whole number."""
    values = (getattr(module, name, None) for name in names)
    return next((value for value in values if isinstance(value, int)), None)
