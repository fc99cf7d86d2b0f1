"""What a state dict of transformer-lens or of the older grokking experiments says of itself, and what it does not."""

from functools import partial

from headscope.models.checkpoints.converters.facts import Fact
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint

FIRST, POSITIONS = "blocks.0.", "pos_embed.W_pos"
NORMS = {"LN": "layer_norm", "LNPre": "layer_norm", "RMS": "rms_norm", "RMSPre": "rms_norm", "none": "none"}
DIRECTIONS = ("causal", "bidirectional")


def norm_of(name: str, checkpoint: ForeignCheckpoint) -> object | None:
    """Which norm a gain and a bias make; without them what the config says, and else nothing."""
    if checkpoint.has(f"{name}.b"):
        return "LN"
    if checkpoint.has(f"{name}.w"):
        return "RMS"
    stated = checkpoint.stated("normalization_type")
    return stated if stated in NORMS else None


def activation(checkpoint: ForeignCheckpoint) -> object | None:
    """What the config says; without an MLP it is idle."""
    return checkpoint.stated("act_fn") if checkpoint.has(f"{FIRST}mlp.W_in") else "relu"


def context(checkpoint: ForeignCheckpoint) -> object | None:
    """As many tokens as there are positions, or as the mask has."""
    tensor = checkpoint.tensors.get(POSITIONS, checkpoint.tensors.get(f"{FIRST}attn.mask"))
    return checkpoint.stated("n_ctx") if tensor is None else tensor.shape[0]


def direction(checkpoint: ForeignCheckpoint) -> object | None:
    """What the mask shows of the first token, where it is stored, else what the config says."""
    mask = checkpoint.tensors.get(f"{FIRST}attn.mask")
    if mask is None or mask.shape[-1] < 2:
        return checkpoint.stated("attention_dir")
    return DIRECTIONS[int(mask[0, 1] != 0)]


def positions(checkpoint: ForeignCheckpoint) -> object | None:
    """Learned where there are some, else what the config says."""
    if checkpoint.has(POSITIONS):
        return "learned"
    stated = checkpoint.stated("positional_embedding_type")
    return {"standard": "learned"}.get(str(stated), stated)


def scale(checkpoint: ForeignCheckpoint) -> float | None:
    """The factor of q · k, of which the config has the inverse."""
    stated = checkpoint.stated("attn_scale")
    return 1 / stated if isinstance(stated, int | float) and stated > 0 else None


FACTS = {
    "activation": Fact(
        "of the MLP", str, activation, choices=("relu", "gelu", "gelu_new", "silu", "gelu_pytorch_tanh")
    ),
    "direction": Fact("what a token sees", str, direction, choices=DIRECTIONS),
    "norm": Fact(
        "before every block; Pre are those whose gain was folded away",
        str,
        partial(norm_of, f"{FIRST}ln1"),
        choices=tuple(NORMS),
    ),
    "final_norm": Fact("before the unembedding", str, partial(norm_of, "ln_final"), choices=tuple(NORMS)),
    "positions": Fact("rotary ones are not opened", str, positions, assumed="none", choices=("learned", "none")),
    "norm_eps": Fact("ε of the norms", float, lambda checkpoint: checkpoint.stated("eps"), assumed=1e-5),
    "context": Fact("tokens that it reads at most", int, context, assumed=1024),
    "scale": Fact("factor of q · k; 0 is 1/√d_head", float, scale, assumed=0.0),
}
OLD_FACTS = {
    **FACTS,
    "direction": Fact("what a token sees", str, lambda checkpoint: "causal", choices=DIRECTIONS),
    "norm": Fact("before every block", str, lambda checkpoint: "none", choices=("none",)),
    "final_norm": Fact("before the unembedding", str, lambda checkpoint: "none", choices=("none",)),
}
