"""transformer-lens's HookedTransformer (versions 1 to 3), and the grokking experiments before it: heads stand apart.

Both become a vanilla transformer. A state dict says neither activation nor direction, and where its norms were folded
away, not which they were.
"""

from functools import partial

from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.hooked_transformer_facts import FACTS, FIRST, NORMS, OLD_FACTS
from headscope.models.checkpoints.converters.renaming import Change, renamed_tensors, same, transposed
from headscope.models.hosts.spec import AttentionSpec

LAYER = r"blocks\.(\d+)\."
EMBEDDING, ANSWERS = "embed.W_E", "unembed.W_U"
NAMES = {
    r"embed\.W_E": "model.embed_tokens.weight",
    r"pos_embed\.W_pos": "model.embed_positions.weight",
    r"unembed\.W_U": "lm_head.weight",
    r"unembed\.b_U": "lm_head.bias",
    r"ln_final\.w": "model.norm.weight",
    r"ln_final\.b": "model.norm.bias",
    r"blocks\.(\d+)\.ln1\.w": r"model.layers.\1.input_layernorm.weight",
    r"blocks\.(\d+)\.ln1\.b": r"model.layers.\1.input_layernorm.bias",
    r"blocks\.(\d+)\.ln2\.w": r"model.layers.\1.post_attention_layernorm.weight",
    r"blocks\.(\d+)\.ln2\.b": r"model.layers.\1.post_attention_layernorm.bias",
    r"blocks\.(\d+)\.attn\.W_Q": r"model.layers.\1.self_attn.q_proj.weight",
    r"blocks\.(\d+)\.attn\._?W_K": r"model.layers.\1.self_attn.k_proj.weight",
    r"blocks\.(\d+)\.attn\._?W_V": r"model.layers.\1.self_attn.v_proj.weight",
    r"blocks\.(\d+)\.attn\.W_O": r"model.layers.\1.self_attn.o_proj.weight",
    r"blocks\.(\d+)\.attn\.b_Q": r"model.layers.\1.self_attn.q_proj.bias",
    r"blocks\.(\d+)\.attn\._?b_K": r"model.layers.\1.self_attn.k_proj.bias",
    r"blocks\.(\d+)\.attn\._?b_V": r"model.layers.\1.self_attn.v_proj.bias",
    r"blocks\.(\d+)\.attn\.b_O": r"model.layers.\1.self_attn.o_proj.bias",
    r"blocks\.(\d+)\.mlp\.W_in": r"model.layers.\1.mlp.up_proj.weight",
    r"blocks\.(\d+)\.mlp\.b_in": r"model.layers.\1.mlp.up_proj.bias",
    r"blocks\.(\d+)\.mlp\.W_out": r"model.layers.\1.mlp.down_proj.weight",
    r"blocks\.(\d+)\.mlp\.b_out": r"model.layers.\1.mlp.down_proj.bias",
}
COMPUTED = (r"blocks\.\d+\.attn\.(mask|IGNORE)",)


def rows_of_heads(weight: Tensor) -> Tensor:
    """[head d_model d_head] as the rows of a projection."""
    return weight.transpose(1, 2).flatten(0, 1)


def columns_of_heads(weight: Tensor) -> Tensor:
    """[head d_head d_model] as an output projection."""
    return weight.flatten(0, 1).T


def joined_heads(weight: Tensor) -> Tensor:
    """[head d_head …] with all heads below one another."""
    return weight.flatten(0, 1)


CHANGES: dict[str, Change] = {
    r".*\.[qkv]_proj\.weight": rows_of_heads,
    r".*\.o_proj\.weight": columns_of_heads,
    r".*\.[qkv]_proj\.bias": joined_heads,
    r".*\.(up_proj|down_proj)\.weight|lm_head\.weight": transposed,
}
OLD_CHANGES: dict[str, Change] = {
    r".*\.[qkv]_proj\.weight": joined_heads,
    r".*\.o_proj\.weight": same,
    r"model\.embed_tokens\.weight|lm_head\.weight": transposed,
}


def is_hooked_transformer(checkpoint: ForeignCheckpoint) -> bool:
    """Its names, and an output projection whose heads stand apart."""
    return has_heads(checkpoint) and checkpoint.tensors[f"{FIRST}attn.W_O"].dim() == 3


def is_grokking(checkpoint: ForeignCheckpoint) -> bool:
    """The same names with an output projection of all heads, and embeddings with a column a token."""
    return has_heads(checkpoint) and checkpoint.tensors[f"{FIRST}attn.W_O"].dim() == 2


def has_heads(checkpoint: ForeignCheckpoint) -> bool:
    """Whether there are queries by head."""
    names = (EMBEDDING, ANSWERS, f"{FIRST}attn.W_Q", f"{FIRST}attn.W_O")
    return checkpoint.has(*names) and checkpoint.tensors[names[2]].dim() == 3


def convert(changes: dict[str, Change], checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """A vanilla transformer with as few parts as the state dict has."""
    tensors = renamed_tensors(checkpoint, NAMES, changes, COMPUTED)
    embedding, answers = tensors["model.embed_tokens.weight"], tensors["lm_head.weight"]
    n_heads, n_keys = checkpoint.shape(f"{FIRST}attn.W_Q")[0], key_heads(checkpoint)
    hidden = tensors.get("model.layers.0.mlp.up_proj.weight")
    fields = {
        "model_type": "vanilla_transformer",
        "vocab_size": embedding.shape[0],
        "output_vocab_size": answers.shape[0],
        "hidden_size": embedding.shape[1],
        "num_hidden_layers": checkpoint.count(LAYER),
        "num_attention_heads": n_heads,
        "num_key_value_heads": n_keys,
        "head_dim": tensors["model.layers.0.self_attn.q_proj.weight"].shape[0] // n_heads,
        "is_causal": facts["direction"] == "causal",
        "attention_only": hidden is None,
        "intermediate_size": None if hidden is None else hidden.shape[0],
        "hidden_act": facts["activation"],
        "norm": NORMS[facts["norm"]],
        "final_norm": NORMS[facts["final_norm"]],
        "norm_gain": has_some(tensors, r"norm.weight"),
        "norm_bias": has_some(tensors, r"norm.bias"),
        "norm_eps": facts["norm_eps"],
        "position_embedding": facts["positions"],
        "max_position_embeddings": facts["context"],
        "attention_scale": facts["scale"] or None,
        "attention_bias": has_some(tensors, "_proj.bias", "self_attn"),
        "mlp_bias": has_some(tensors, "_proj.bias", "mlp"),
        "lm_head_bias": "lm_head.bias" in tensors,
        "tie_word_embeddings": False,
        "attention_spec": AttentionSpec("softmax").to_json(),
    }
    return ConvertedModel(fields, tensors)


def key_heads(checkpoint: ForeignCheckpoint) -> int:
    """Heads of keys and values."""
    name = next((name for name in ("W_K", "_W_K") if checkpoint.has(f"{FIRST}attn.{name}")), "W_K")
    return checkpoint.shape(f"{FIRST}attn.{name}")[0]


def has_some(tensors: dict[str, Tensor], ending: str, part: str = "") -> bool:
    """Whether a tensor of a part has a name that ends so."""
    return any(name.endswith(ending) and part in name for name in tensors)


HOOKED_TRANSFORMER = Converter(
    "a state dict of transformer-lens's HookedTransformer", is_hooked_transformer, partial(convert, CHANGES), FACTS
)
GROKKING = Converter(
    "a checkpoint of the grokking experiments before transformer-lens",
    is_grokking,
    partial(convert, OLD_CHANGES),
    OLD_FACTS,
)
