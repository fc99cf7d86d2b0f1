"""litgpt's GPT-NeoX shape: layer norms, a plain MLP beside the attention or after it, heads rotated in part."""

from functools import partial

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.litgpt import (
    FACTS,
    FIRST,
    PLAIN,
    group_count,
    is_litgpt,
    projections,
    refuse_other_settings,
    sizes,
    without_inner_norms,
)
from headscope.models.checkpoints.converters.renaming import renamed_tensors
from headscope.models.checkpoints.converters.temperature import temperature_spec, with_temperatures
from headscope.models.checkpoints.files.refusal import CheckpointError

NAMES = {
    r"transformer\.wte\.weight": "gpt_neox.embed_in.weight",
    r"lm_head\.weight": "lm_head.weight",
    r"transformer\.ln_f\.(weight|bias)": r"gpt_neox.final_layer_norm.\1",
    r"transformer\.h\.(\d+)\.norm_1\.(weight|bias)": r"gpt_neox.layers.\1.input_layernorm.\2",
    r"transformer\.h\.(\d+)\.norm_2\.(weight|bias)": r"gpt_neox.layers.\1.post_attention_layernorm.\2",
    r"transformer\.h\.(\d+)\.attn\.(?:attn|qkv)\.(weight|bias)": r"gpt_neox.layers.\1.attention.query_key_value.\2",
    r"transformer\.h\.(\d+)\.attn\.proj\.(weight|bias)": r"gpt_neox.layers.\1.attention.dense.\2",
    r"transformer\.h\.(\d+)\.mlp\.fc\.(weight|bias)": r"gpt_neox.layers.\1.mlp.dense_h_to_4h.\2",
    r"transformer\.h\.(\d+)\.mlp\.proj\.(weight|bias)": r"gpt_neox.layers.\1.mlp.dense_4h_to_h.\2",
    r"transformer\.h\.(\d+)\.attn\.beta": r"gpt_neox.layers.\1.attention.variant.temperature_q.position",
}
SETTINGS: dict[str, tuple[object, ...]] = {
    **PLAIN,
    "norm_class_name": ("LayerNorm",),
    "_norm_class": ("LayerNorm",),
    "mlp_class_name": ("GptNeoxMLP",),
    "_mlp_class": ("GptNeoxMLP",),
}
ACTIVATIONS = {"none": "gelu", "tanh": "gelu_pytorch_tanh"}


def recognises(checkpoint: ForeignCheckpoint) -> bool:
    """litgpt's names with a plain MLP and norms with a bias."""
    norm = any(checkpoint.has(f"{FIRST}{name}.bias") for name in ("norm_1", "norm_1.norm"))
    return is_litgpt(checkpoint) and checkpoint.has(f"{FIRST}mlp.fc.weight") and norm


def convert(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """A GPT-NeoX, with the biases that were left out as zeros."""
    refuse_other_settings(checkpoint, SETTINGS)
    plain, n_heads = without_inner_norms(checkpoint), facts["n_heads"]
    if (groups := group_count(plain, n_heads)) != n_heads:
        raise CheckpointError(
            f"cannot open {checkpoint.file}: it has {groups} heads of keys and values for n_heads={n_heads}, and a "
            "GPT-NeoX has one for each"
        )
    kind = "qkv" if plain.has(f"{FIRST}attn.qkv.weight") else "attn"
    changes = {r".*\.query_key_value\..*": partial(interleaved, kind=kind, n_heads=n_heads)}
    tensors = with_temperatures(renamed_tensors(plain, NAMES, changes), facts["temperature"], plain)
    rope = {"rope_theta": facts["rope_theta"], "partial_rotary_factor": facts["rotary_share"]}
    fields = {
        "model_type": "gpt_neox",
        **sizes(plain, facts),
        "intermediate_size": plain.shape(f"{FIRST}mlp.fc.weight")[0],
        "hidden_act": facts["activation"],
        "layer_norm_eps": facts["norm_eps"],
        "use_parallel_residual": facts["parallel_residual"],
        "rope_parameters": {"rope_type": "default", **rope},
        "attention_bias": True,
        "attention_spec": temperature_spec(tensors).to_json(),
    }
    return ConvertedModel(fields, with_biases(tensors))


def interleaved(fused: Tensor, kind: str, n_heads: int) -> Tensor:
    """Head by head its query, key and value."""
    parts = projections(fused, kind, n_heads, n_heads)
    return torch.cat([part.unflatten(0, (n_heads, -1)) for part in (parts.q, parts.k, parts.v)], dim=1).flatten(0, 1)


def with_biases(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with zeros for the biases of maps that have none."""
    maps = ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h")
    weights = {name: tensor for name, tensor in tensors.items() if name.endswith(".weight")}
    zeros = {
        name.replace(".weight", ".bias"): weight.new_zeros(weight.shape[0])
        for name, weight in weights.items()
        if name.split(".")[-2] in maps
    }
    return zeros | tensors


def activation(checkpoint: ForeignCheckpoint) -> str | None:
    """What transformers calls the GELU that the config names."""
    stated = checkpoint.stated("gelu_approximate")
    return None if stated is None else ACTIVATIONS.get(str(stated), str(stated))


LITGPT_NEOX = Converter(
    "a litgpt checkpoint of GPT-NeoX's shape",
    recognises,
    convert,
    {
        **FACTS,
        "rotary_share": Fact(
            "share of a head that is rotated",
            float,
            lambda checkpoint: checkpoint.stated("rotary_percentage"),
            assumed=0.25,
        ),
        "parallel_residual": Fact(
            "whether the MLP stands beside the attention",
            bool,
            lambda checkpoint: checkpoint.stated("parallel_residual"),
            assumed=True,
        ),
        "activation": Fact("of the MLP", str, activation, assumed="gelu", choices=tuple(ACTIVATIONS.values())),
    },
)
