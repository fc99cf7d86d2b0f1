"""Residual parts: what the embedding, every head and every MLP wrote into the residual stream of one position."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.head_weights import HeadWeights

WRITES = ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "attn.hook_z")
ROUNDING = 1e-4  # lets a prompt of one token, which any bias explains, have a factor


@dataclass(frozen=True)
class ResidualParts:
    """embedding + Σ attention + Σ mlp is the last residual.

    attention: what a layer's attention added, after a norm that follows it (Gemma). head: each head's part of it, with
    that norm's scale frozen; what the heads leave of attention is the output's bias. scale: the frozen scale.
    """

    embedding: Float[Tensor, "d_model"]
    attention: Float[Tensor, "layer d_model"]
    mlp: Float[Tensor, "layer d_model"]
    head: Float[Tensor, "layer head d_model"]
    scale: Float[Tensor, "layer"]


@dataclass(frozen=True)
class Readout:
    """How a residual becomes logits at one position, the final norm's scale frozen: x W_U / scale + b_U."""

    W_U: Float[Tensor, "d_model vocab"]
    b_U: Float[Tensor, "vocab"]
    scale: Float[Tensor, "1"]


def residual_parts(run: Activations, weights: HeadWeights, position: int = -1) -> ResidualParts:
    """The parts at a position of a run that kept WRITES."""
    resid_pre, attention, mlp, z = (run[name] for name in WRITES)
    heads = torch.einsum("lphe,lhem->lphm", z, weights.W_O)
    scale = scale_after(heads.sum(2), attention)[:, position]
    at = (slice(None), position)
    return ResidualParts(resid_pre[0, position], attention[at], mlp[at], heads[at] / scale[:, None, None], scale)


def readout(run: Activations, weights: HeadWeights, position: int = -1) -> Readout:
    """The readout at a position of a run that kept ln_final.hook_scale."""
    return Readout(weights.W_U, weights.b_U, run["ln_final.hook_scale"][position])


def scale_after(
    heads: Float[Tensor, "layer pos d_model"], attention: Float[Tensor, "layer pos d_model"]
) -> Float[Tensor, "layer pos"]:
    """What a norm that follows attention divides the sum of the heads by, found from what attention added.

    1 in a layer where the two are less alike by a factor per position than by a difference that is everywhere the
    same: then no norm follows, and that difference is the output's bias.
    """
    factor = (heads * attention).sum(-1) / heads.square().sum(-1)
    off_factor = (attention - factor[..., None] * heads).norm(dim=(1, 2))
    bias = attention - heads
    off_bias = (bias - bias.mean(1, keepdim=True)).norm(dim=(1, 2)) + ROUNDING * attention.norm(dim=(1, 2))
    return torch.where((off_factor <= off_bias)[:, None], 1 / factor, 1.0)
