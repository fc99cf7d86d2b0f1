"""The checkpoints of Cog attention's authors (Lv et al. 2024): a Llama with Cog in all layers but the first and last.

Their maps stand as input by output, their rotary positions turn neighbouring entries, and silu is on `pw`.
"""

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.renaming import halves_from_pairs, renamed_tensors, transposed
from headscope.models.hosts.spec import AttentionSpec

LAYER = r"layers\.(\d+)\."
QUERIES, GATE = "layers.0.attention.qw", "layers.0.ffn.shared_experts.0.gw"
NAMES = {
    r"embedding\.weight": "model.embed_tokens.weight",
    r"output\.weight": "lm_head.weight",
    r"norm\.weight": "model.norm.weight",
    r"layers\.(\d+)\.attention_norm\.weight": r"model.layers.\1.input_layernorm.weight",
    r"layers\.(\d+)\.ffn_norm\.weight": r"model.layers.\1.post_attention_layernorm.weight",
    r"layers\.(\d+)\.attention\.([qkvo])w": r"model.layers.\1.self_attn.\2_proj.weight",
    r"layers\.(\d+)\.ffn\.shared_experts\.0\.gw": r"model.layers.\1.mlp.up_proj.weight",
    r"layers\.(\d+)\.ffn\.shared_experts\.0\.pw": r"model.layers.\1.mlp.gate_proj.weight",
    r"layers\.(\d+)\.ffn\.shared_experts\.0\.ow": r"model.layers.\1.mlp.down_proj.weight",
}
COMPUTED = ("freqs_cis", "shortcut_bar")
SIGNED, SOFTMAX = "np", "vanilla"


def convert(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """A Llama with free head size and untied embeddings."""
    n_heads, n_layers = facts["n_heads"], checkpoint.count(LAYER)
    (vocabulary, width), inner = checkpoint.shape("embedding.weight"), checkpoint.shape(QUERIES)[1]
    rotated = {r".*\.[qk]_proj\.weight": lambda weight: halves_from_pairs(weight.T, n_heads)}
    maps = {r".*\.(self_attn|mlp)\..*": transposed}
    is_signed = facts["attention"] == SIGNED and n_layers > 2
    fields = {
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": checkpoint.shape(GATE)[1],
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "num_key_value_heads": n_heads,
        "head_dim": inner // n_heads,
        "max_position_embeddings": facts["context"],
        "rms_norm_eps": facts["norm_eps"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "attention_spec": (AttentionSpec("cog", layers="inner") if is_signed else AttentionSpec("softmax")).to_json(),
    }
    return ConvertedModel(fields, renamed_tensors(checkpoint, NAMES, {**rotated, **maps}, COMPUTED))


def context(checkpoint: ForeignCheckpoint) -> object | None:
    """What the config says, or half of the positions for which rotations are stored."""
    rotations = checkpoint.tensors.get("freqs_cis")
    return checkpoint.stated("max_seq_length") or (None if rotations is None else rotations.shape[0] // 2)


COGFORMER = Converter(
    kind="a checkpoint of Cog attention's authors",
    recognises=lambda checkpoint: checkpoint.has("embedding.weight", "output.weight", QUERIES, GATE),
    convert=convert,
    facts={
        "n_heads": Fact("heads of a layer", int, lambda checkpoint: checkpoint.stated("n_heads")),
        "attention": Fact(
            "np is Cog in the inner layers",
            str,
            lambda checkpoint: checkpoint.stated("attn_type"),
            choices=(SIGNED, SOFTMAX),
        ),
        "context": Fact("tokens that it reads at most", int, context, assumed=2048),
        "norm_eps": Fact("ε of the norms", float, lambda checkpoint: checkpoint.stated("norm_eps"), assumed=1e-6),
    },
)
