"""Residual parts: what the embedding, every head and every MLP wrote into the residual stream of one position."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import NORM_AFTER, Activations
from headscope.interp.reading.target import Columns, Target, drawn_columns
from headscope.interp.weights.head_weights import HeadWeights

WRITES = ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "attn.hook_z", NORM_AFTER)


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
    covariance: Float[Tensor, "d_model d_model"]  # of W_U's columns

    def columns(self, target: Target) -> Columns:
        """Its columns over their scale: the target's, their mean and their covariance."""
        mean, scale = self.W_U.mean(1), self.scale
        return drawn_columns(target, target.of(self.W_U) / scale, mean / scale, self.covariance / scale.square())


def residual_parts(run: Activations, weights: HeadWeights, position: int = -1) -> ResidualParts:
    """The parts at a position of a run that kept WRITES."""
    embedding, attention, mlp, z, scale = (run[name][:, position] for name in WRITES)
    heads = torch.einsum("lhe,lhem->lhm", z, weights.W_O) / scale[..., None]
    return ResidualParts(embedding[0], attention, mlp, heads, scale[:, 0])


def readout(run: Activations, weights: HeadWeights, position: int = -1) -> Readout:
    """The readout at a position of a run that kept ln_final.hook_scale."""
    return Readout(weights.W_U, weights.b_U, run["ln_final.hook_scale"][position], weights.W_U_covariance)
