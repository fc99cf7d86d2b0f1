"""x-transformers (lucidrains): decoders whose layers alternate attention and MLP, each after a norm of its own.

Rotary positions turn neighbouring entries of the first part of a head. Layer norms have a gain alone; learned positions
are scaled by 1/√d_model.
"""

import re
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.renaming import renamed_tensors
from headscope.models.checkpoints.converters.x_transformers_hosts import HOSTS, Decoder
from headscope.models.checkpoints.files.refusal import CheckpointError

EMBEDDING, POSITIONS = "token_emb.emb.weight", "pos_emb.emb.weight"
ATTENTION, MLP = "attn_layers.layers.0.1.", "attn_layers.layers.1.1.ff.0."
ROTATIONS, RMS = "attn_layers.rotary_pos_emb.inv_freq", "attn_layers.layers.0.0.0.g"
GAINS = r"attn_layers\.(final_norm|layers\.\d+\.0\.0)\.(gamma|g)"
PARTS = {
    r"token_emb\.emb\.weight": "embedding",
    r"pos_emb\.emb\.weight": "positions",
    r"to_logits\.weight": "head",
    r"attn_layers\.final_norm\.(?:gamma|g)": "norm",
    r"attn_layers\.layers\.(\d+)\.0\.0\.(?:gamma|g)": r"\1.norm",
    r"attn_layers\.layers\.(\d+)\.1\.to_(q|k|v|out)\.weight": r"\1.\2",
    r"attn_layers\.layers\.(\d+)\.1\.ff\.0\.(?:0|proj)\.(weight|bias)": r"\1.in.\2",
    r"attn_layers\.layers\.(\d+)\.1\.ff\.2\.(weight|bias)": r"\1.out.\2",
}


def recognises(mlp: str, checkpoint: ForeignCheckpoint) -> bool:
    """Its names; the first layer is an attention, and the second an MLP with this map."""
    return checkpoint.has(EMBEDDING, f"{ATTENTION}to_q.weight", f"{ATTENTION}to_out.weight", f"{MLP}{mlp}.weight")


def convert(mlp: str, checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """The host that has such an MLP."""
    if checkpoint.has(ROTATIONS, POSITIONS):
        raise CheckpointError(f"cannot open {checkpoint.file}: it has rotary and learned positions, no model here both")
    parts = renamed_tensors(checkpoint, PARTS, dropped=(re.escape(ROTATIONS),))
    rotations = checkpoint.tensors.get(ROTATIONS)
    gains = {name: tensor + float(facts["unit_offset"]) for name, tensor in parts.items() if name.endswith("norm")}
    decoder = Decoder(layered(parts | gains, checkpoint), facts, str(checkpoint.file), checkpoint.has(RMS), rotations)
    return HOSTS[mlp](decoder)


def layered(parts: dict[str, Tensor], checkpoint: ForeignCheckpoint) -> dict[str, Tensor]:
    """The parts under a layer's number and `attention` or `mlp`, of which every layer here has one each."""
    result: dict[str, Tensor] = {}
    for name, tensor in parts.items():
        number, _, part = name.partition(".")
        if not number.isdigit():
            result[name] = tensor
            continue
        layer, is_mlp = divmod(int(number), 2)
        if part != "norm" and part.startswith(("in.", "out.")) != bool(is_mlp):
            raise CheckpointError(f"cannot open {checkpoint.file}: its layers do not alternate attention and MLP")
        result[f"{layer}.{'mlp' if is_mlp else 'attention'}.{part}"] = tensor
    return result


def context(checkpoint: ForeignCheckpoint) -> object | None:
    """As many tokens as there are learned positions."""
    positions = checkpoint.tensors.get(POSITIONS)
    return checkpoint.stated("max_seq_len") if positions is None else positions.shape[0]


def is_offset(checkpoint: ForeignCheckpoint) -> bool:
    """Whether the gains of the norms lie nearer to 0 than to 1, where a training begins with and without the offset."""
    gains = [tensor.float() for name, tensor in checkpoint.tensors.items() if re.fullmatch(GAINS, name)]
    return float(torch.cat(gains).mean()) < 1 / 2


ACTIVATION = Fact("of the MLP", str, assumed="gelu", choices=("gelu", "silu", "relu"))
FACTS = {
    "n_heads": Fact("heads of a layer", int, lambda checkpoint: checkpoint.stated("heads", "n_heads", "num_heads")),
    "context": Fact("tokens that it reads at most", int, context, assumed=2048),
    "unit_offset": Fact(
        "whether gains of norms are stored as differences from 1, by their mean", bool, assumed=is_offset
    ),
    "attention": Fact(
        "causal dot products: neither ALiBi nor qk_norm leaves a trace in tensors",
        str,
        assumed="plain",
        choices=("plain",),
    ),
}

X_TRANSFORMERS = Converter(
    "an x-transformers decoder",
    partial(recognises, "0"),
    partial(convert, "plain"),
    {**FACTS, "activation": ACTIVATION},
)
X_TRANSFORMERS_GATED = Converter(
    "an x-transformers decoder with a gated MLP",
    partial(recognises, "proj"),
    partial(convert, "gated"),
    {**FACTS, "activation": replace(ACTIVATION, assumed=None)},
)
