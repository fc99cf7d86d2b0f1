"""Embeddings that a circuit may read in the place of W_E: with the first MLP added, or each row of unit rms."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.models.hosts.execution_device import execution_device, floating_dtype

BLOCK = 1024


@torch.no_grad()
def effective_embedding(
    model: HookedModel, embedding: Float[Tensor, "vocab d_model"]
) -> Float[Tensor, "vocab d_model"]:
    """Each token's embedding plus what the first block's MLP makes of it: x + MLP_0(x), attention left out.

    model: a hooked model; embedding: the W_E of its head_weights. Learned positions are left out too. Law: it is block
    0's hook_resid_post in a model without positions whose first attention writes nothing. The caller lets one run in.
    Raises ValueError for a model without MLPs.
    """
    if not hasattr(model.blocks[0], "mlp"):
        raise ValueError("the effective embedding adds the first MLP, and this model is attention alone: read W_E")
    place = {"device": execution_device(model.blocks[0]), "dtype": floating_dtype(module_of(model))}
    rows = [_after_mlp(model.blocks[0], some.to(**place)) for some in embedding.split(BLOCK)]
    return torch.cat(rows).to(embedding)


def unit_rms(embedding: Float[Tensor, "vocab d_model"], *, centred: bool = False) -> Float[Tensor, "vocab d_model"]:
    """Each row over its rms, as a norm would scale it; centred: its mean is taken off first (LayerNorm).

    A row of zeros, as a padding token may have, stays one.
    """
    rows = embedding - embedding.mean(-1, keepdim=True) if centred else embedding
    return rows / rows.square().mean(-1, keepdim=True).sqrt().clamp_min(torch.finfo(rows.dtype).tiny)


def _after_mlp(block: Any, resid: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_model"]:
    """The residual with a block's MLP added, after the norm that follows it in Gemma, times the factor of Granite's."""
    norm = block.ln2 if hasattr(block, "ln2") else block.ln1  # Phi's MLP reads what its attention reads
    written = block.mlp(norm(resid[None]))
    written = block.ln2_post(written) if hasattr(block, "ln2_post") else written
    return resid + written[0] * getattr(block, "residual_contribution_scale", 1.0)
