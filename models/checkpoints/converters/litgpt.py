"""lit_gpt and litgpt (Lightning AI), and selective attention's training code, which is made of it: what their two
shapes share.

All of a layer's projections stand in one matrix: group by group queries, key and value in `attn.attn`, of the older
code; first all queries, then keys, then values in `attn.qkv`, of the newer.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.models.checkpoints.converters.facts import Fact, KnownFacts
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.temperature import TEMPERATURE
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.fields import Fields

LAYER = r"transformer\.h\.(\d+)\."
FIRST = "transformer.h.0."
EMBEDDING = "transformer.wte.weight"
FACTS = {
    "n_heads": Fact("heads of a layer", int, lambda checkpoint: checkpoint.stated("n_head")),
    "context": Fact(
        "tokens that it reads at most", int, lambda checkpoint: checkpoint.stated("block_size"), assumed=2048
    ),
    "rope_theta": Fact(
        "base of the rotary positions", float, lambda checkpoint: checkpoint.stated("rope_base"), assumed=1e4
    ),
    "norm_eps": Fact("ε of the norms", float, lambda checkpoint: checkpoint.stated("norm_eps"), assumed=1e-5),
    "temperature": TEMPERATURE,
}
# What the config may say that neither shape computes; each with what is computed.
PLAIN: dict[str, tuple[object, ...]] = {
    "rope_condense_ratio": (1,),
    "rope_adjustments": (),
    "rope_indices": (),
    "shared_attention_norm": (False,),
    "sliding_window_size": (),
    "attention_logit_softcapping": (),
    "final_logit_softcapping": (),
    "attention_scores_scalar": (),
    "scale_embeddings": (False,),
    "norm_qk": (False,),
    "n_expert": (0,),
}


@dataclass(frozen=True)
class Projections:
    """A layer's queries [head·d_head d_model], keys and values [group·d_head d_model], or their biases."""

    q: Float[Tensor, "queries *d_model"]
    k: Float[Tensor, "keys *d_model"]
    v: Float[Tensor, "keys *d_model"]


def fused_name(checkpoint: ForeignCheckpoint) -> str | None:
    """The name of the first layer's fused matrix."""
    return next(
        (name for name in (f"{FIRST}attn.attn.weight", f"{FIRST}attn.qkv.weight") if checkpoint.has(name)), None
    )


def is_litgpt(checkpoint: ForeignCheckpoint) -> bool:
    """Whether a checkpoint has these names, whatever its MLP."""
    return checkpoint.has(EMBEDDING, f"{FIRST}attn.proj.weight") and fused_name(checkpoint) is not None


def group_count(checkpoint: ForeignCheckpoint, n_heads: int) -> int:
    """How many heads of keys and values there are: what the fused matrix has besides queries."""
    d_head = head_size(checkpoint, n_heads)
    rows = checkpoint.shape(fused_name(checkpoint) or "")[0]
    groups, rest = divmod(rows - n_heads * d_head, 2 * d_head)
    if rest or groups < 1 or n_heads % groups:
        raise CheckpointError(
            f"cannot open {checkpoint.file}: n_heads={n_heads} of {d_head} does not fit a matrix of {rows} rows of "
            "queries, keys and values"
        )
    return groups


def head_size(checkpoint: ForeignCheckpoint, n_heads: int) -> int:
    """The entries of a head, of which the output projection reads all."""
    width = checkpoint.shape(f"{FIRST}attn.proj.weight")[1]
    if n_heads < 1 or width % n_heads:
        raise CheckpointError(f"cannot open {checkpoint.file}: n_heads={n_heads} does not divide {width}")
    return width // n_heads


def projections(fused: Float[Tensor, "rows *d_model"], kind: str, n_heads: int, groups: int) -> Projections:
    """The three parts of a fused matrix or bias."""
    per_group = n_heads // groups
    d_head = fused.shape[0] // (n_heads + 2 * groups)
    if kind == "qkv":
        return Projections(*fused.split([n_heads * d_head, groups * d_head, groups * d_head]))
    parts = fused.unflatten(0, (groups, per_group + 2, d_head)).split([per_group, 1, 1], dim=1)
    return Projections(*(part.flatten(0, 2) for part in parts))


def without_inner_norms(checkpoint: ForeignCheckpoint) -> ForeignCheckpoint:
    """The checkpoint with `norm_1.norm.weight`, as the experiments of that code call it, under its usual name."""
    names = {name: name.replace(".norm.", ".") for name in checkpoint.tensors if ".norm." in name}
    tensors = {names.get(name, name): tensor for name, tensor in checkpoint.tensors.items()}
    return ForeignCheckpoint(checkpoint.file, tensors, checkpoint.tables)


def refuse_other_settings(checkpoint: ForeignCheckpoint, plain: dict[str, tuple[object, ...]]) -> None:
    """Raise CheckpointError for a setting of the config that the model here would not compute."""
    for name, values in plain.items():
        if (value := checkpoint.stated(name)) is not None and value not in values:
            raise CheckpointError(
                f"cannot open {checkpoint.file}: its config says {name}={value!r:.60}, which no model here computes"
            )


def sizes(checkpoint: ForeignCheckpoint, facts: KnownFacts) -> Fields:
    """The fields that both shapes have."""
    vocabulary, width = checkpoint.shape(EMBEDDING)
    head = checkpoint.tensors.get("lm_head.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": checkpoint.count(LAYER),
        "num_attention_heads": facts["n_heads"],
        "max_position_embeddings": facts["context"],
        "tie_word_embeddings": head is None or torch.equal(head, checkpoint.tensors[EMBEDDING]),
        "bos_token_id": None,
        "eos_token_id": None,
    }
