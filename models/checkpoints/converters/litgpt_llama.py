"""litgpt's Llama shape: RMS norms, a gated MLP, grouped keys and values, fully rotated heads."""

import re

from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.litgpt import (
    FACTS,
    FIRST,
    PLAIN,
    group_count,
    head_size,
    is_litgpt,
    projections,
    refuse_other_settings,
    sizes,
    without_inner_norms,
)
from headscope.models.checkpoints.converters.renaming import renamed_tensors
from headscope.models.checkpoints.converters.temperature import temperature_spec, with_temperatures

NAMES = {
    r"transformer\.wte\.weight": "model.embed_tokens.weight",
    r"lm_head\.weight": "lm_head.weight",
    r"transformer\.ln_f\.weight": "model.norm.weight",
    r"transformer\.h\.(\d+)\.norm_1\.weight": r"model.layers.\1.input_layernorm.weight",
    r"transformer\.h\.(\d+)\.norm_2\.weight": r"model.layers.\1.post_attention_layernorm.weight",
    r"transformer\.h\.(\d+)\.attn\.(attn|qkv)\.(weight|bias)": r"model.layers.\1.self_attn.\2.\3",
    r"transformer\.h\.(\d+)\.attn\.proj\.(weight|bias)": r"model.layers.\1.self_attn.o_proj.\2",
    r"transformer\.h\.(\d+)\.mlp\.fc_1\.(weight|bias)": r"model.layers.\1.mlp.gate_proj.\2",
    r"transformer\.h\.(\d+)\.mlp\.fc_2\.(weight|bias)": r"model.layers.\1.mlp.up_proj.\2",
    r"transformer\.h\.(\d+)\.mlp\.proj\.(weight|bias)": r"model.layers.\1.mlp.down_proj.\2",
    r"transformer\.h\.(\d+)\.attn\.beta": r"model.layers.\1.self_attn.variant.temperature_q.position",
}
SETTINGS: dict[str, tuple[object, ...]] = {
    **PLAIN,
    "parallel_residual": (False,),
    "rotary_percentage": (1, 1.0),
    "norm_class_name": ("RMSNorm",),
    "_norm_class": ("RMSNorm",),
    "mlp_class_name": ("LLaMAMLP",),
    "_mlp_class": ("LLaMAMLP",),
}


def recognises(checkpoint: ForeignCheckpoint) -> bool:
    """litgpt's names with a gated MLP and norms without a bias."""
    norm = any(checkpoint.has(f"{FIRST}{name}.bias") for name in ("norm_1", "norm_1.norm"))
    return is_litgpt(checkpoint) and checkpoint.has(f"{FIRST}mlp.fc_1.weight", f"{FIRST}mlp.fc_2.weight") and not norm


def convert(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """A Llama."""
    refuse_other_settings(checkpoint, SETTINGS)
    plain, n_heads = without_inner_norms(checkpoint), facts["n_heads"]
    groups = group_count(plain, n_heads)
    tensors = unfused(renamed_tensors(plain, NAMES), n_heads, groups)
    tensors = with_temperatures(tensors, facts["temperature"], plain)
    fields = {
        "model_type": "llama",
        **sizes(plain, facts),
        "intermediate_size": plain.shape(f"{FIRST}mlp.fc_1.weight")[0],
        "num_key_value_heads": groups,
        "head_dim": head_size(plain, n_heads),
        "rms_norm_eps": facts["norm_eps"],
        "rope_parameters": {"rope_type": "default", "rope_theta": facts["rope_theta"]},
        "attention_bias": has_bias(tensors, "self_attn"),
        "mlp_bias": has_bias(tensors, "mlp"),
        "attention_spec": temperature_spec(tensors).to_json(),
    }
    return ConvertedModel(fields, with_biases(tensors))


def has_bias(tensors: dict[str, Tensor], part: str) -> bool:
    """Whether a map of this part of a layer has a bias."""
    return any(f".{part}." in name and name.endswith("_proj.bias") for name in tensors)


def with_biases(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with zeros where other maps of the same part of a layer have biases."""
    parts = [part for part in ("self_attn", "mlp") if has_bias(tensors, part)]
    weights = {name: weight for name, weight in tensors.items() if name.endswith("_proj.weight")}
    zeros = {
        name.replace("_proj.weight", "_proj.bias"): weight.new_zeros(weight.shape[0])
        for name, weight in weights.items()
        if any(f".{part}." in name for part in parts)
    }
    return zeros | tensors


def unfused(tensors: dict[str, Tensor], n_heads: int, groups: int) -> dict[str, Tensor]:
    """The tensors with q_proj, k_proj and v_proj in the place of each fused matrix and bias."""
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if fused := re.fullmatch(r"(.*\.self_attn\.)(attn|qkv)(\.\w+)", name):
            before, kind, after = fused.groups()
            parts = projections(tensor, kind, n_heads, groups)
            result |= {f"{before}{part}_proj{after}": getattr(parts, part) for part in "qkv"}
        else:
            result[name] = tensor
    return result


LITGPT_LLAMA = Converter("a litgpt checkpoint of Llama's shape", recognises, convert, FACTS)
