"""U-ViT (Bao et al. 2022) and U-ViC (Lv et al. 2024) in their authors' code: the U-ViT here under other names.

Class, time and patches stand in the same order. Without the smoothing convolution it is the identity.
"""

import math
import re

import torch
from torch import Tensor

from headscope.models.checkpoints.converters.converter import ConvertedModel, Converter
from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.renaming import renamed_tensors
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.hosts.modality import NOISY_IMAGE
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.uvit.tokens import EXTRA

PATCHES, MIDDLE, CLASSES = "patch_embed.proj.weight", "mid_block.attn.qkv.weight", "label_emb.weight"
NAMES = {
    r"patch_embed\.proj\.(weight|bias)": r"embeddings.projection.\1",
    r"pos_embed": "embeddings.positions",
    r"label_emb\.weight": "embeddings.classes.weight",
    r"norm\.(weight|bias)": r"layernorm.\1",
    r"decoder_pred\.(weight|bias)": r"to_patch.\1",
    r"final_layer\.(weight|bias)": r"smooth.\1",
    r"layers\.(\d+)\.norm1\.(weight|bias)": r"layers.\1.layernorm_before.\2",
    r"layers\.(\d+)\.norm2\.(weight|bias)": r"layers.\1.layernorm_after.\2",
    r"layers\.(\d+)\.attn\.([qkv])\.(weight|bias)": r"layers.\1.attention.\2_proj.\3",
    r"layers\.(\d+)\.attn\.proj\.(weight|bias)": r"layers.\1.attention.o_proj.\2",
    r"layers\.(\d+)\.(mlp\.fc[12]|skip_linear)\.(weight|bias)": r"layers.\1.\2.\3",
}
# What other forms of this code have, by a name that only they have.
OTHER_FORMS = {
    "context_embed.weight": "reads texts (context_embed)",
    "time_embed.0.weight": "puts the time through an MLP (time_embed)",
}


def convert(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> ConvertedModel:
    """The U-ViT here; refused are those that read texts or no class, and those without long skips."""
    refuse_other_forms(checkpoint)
    half = checkpoint.count(r"in_blocks\.(\d+)\.")
    (width, channels, patch, _), tokens = checkpoint.shape(PATCHES), checkpoint.shape("pos_embed")[1]
    is_signed = facts["attention"] == "cog"
    classes = checkpoint.shape(CLASSES)[0] - 1
    fields = {
        "model_type": "uvit",
        "hidden_size": width,
        "num_hidden_layers": 2 * half + 1,
        "num_attention_heads": facts["n_heads"],
        "intermediate_size": checkpoint.shape("mid_block.mlp.fc1.weight")[0],
        "image_size": math.isqrt(tokens - EXTRA) * patch,
        "patch_size": patch,
        "num_channels": channels,
        "qkv_bias": checkpoint.has("mid_block.attn.qkv.bias"),
        "timesteps": facts["timesteps"],
        "id2label": {str(number): str(number) for number in range(classes)},
        "label2id": {str(number): number for number in range(classes)},
        "attention_spec": (AttentionSpec("cog", layers="inner") if is_signed else AttentionSpec("softmax")).to_json(),
    }
    blocks = ForeignCheckpoint(checkpoint.file, in_one_row(checkpoint.tensors, half))
    return ConvertedModel(fields, identity_convolution(channels) | renamed_tensors(blocks, NAMES))


def refuse_other_forms(checkpoint: ForeignCheckpoint) -> None:
    """Raise CheckpointError for what the U-ViT here does not compute."""
    for name, words in OTHER_FORMS.items():
        if checkpoint.has(name):
            raise CheckpointError(
                f"cannot open {checkpoint.file}: it is a U-ViT that {words}, which the one here does not"
            )
    for name, words in {CLASSES: "classes", "out_blocks.0.skip_linear.weight": "long skips"}.items():
        if not checkpoint.has(name):
            raise CheckpointError(
                f"cannot open {checkpoint.file}: it is a U-ViT without {words}, which the one here has"
            )


def in_one_row(tensors: dict[str, Tensor], half: int) -> dict[str, Tensor]:
    """The blocks in, between and out as `layers`, with queries, keys and values apart."""
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = re.sub(r"^in_blocks\.", "layers.", name)
        plain = re.sub(r"^mid_block\.", f"layers.{half}.", plain)
        plain = re.sub(r"^out_blocks\.(\d+)", lambda match: f"layers.{half + 1 + int(match[1])}", plain)
        fused = re.fullmatch(r"(.*\.attn\.)qkv(\..*)", plain)
        parts = dict(zip("qkv", tensor.chunk(3), strict=True)) if fused else {}
        result |= {f"{fused[1]}{part}{fused[2]}": rows for part, rows in parts.items()} if fused else {plain: tensor}
    return result


def identity_convolution(channels: int) -> dict[str, Tensor]:
    """A 3 × 3 convolution that changes nothing, where the checkpoint has none of its own."""
    weight = torch.zeros(channels, channels, 3, 3)
    weight[range(channels), range(channels), 1, 1] = 1
    return {"smooth.weight": weight, "smooth.bias": torch.zeros(channels)}


U_VIT = Converter(
    "a U-ViT checkpoint",
    lambda checkpoint: checkpoint.has(PATCHES, MIDDLE, "pos_embed", "in_blocks.0.norm1.weight", "decoder_pred.weight"),
    convert,
    {
        "n_heads": Fact("heads of a block", int, lambda checkpoint: checkpoint.stated("num_heads", "n_heads")),
        "attention": Fact(
            "cog is that of U-ViC, with softmax in the first and last block", str, choices=("softmax", "cog")
        ),
        "timesteps": Fact("steps of noise", int, assumed=1000),
    },
    NOISY_IMAGE,
)
