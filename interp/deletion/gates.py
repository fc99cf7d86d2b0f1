"""Gates: weights with what an output gate lets through of each token towards that token's own logit."""

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import mixing


def gated_weights(
    pattern: Float[Tensor, "layer head query key"],
    gate: Float[Tensor, "layer query head_or_one d_head_or_one"],
    values: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    unembeddings: Float[Tensor, "d_model key"],
) -> Float[Tensor, "layer head query key"]:
    """A[d, s] γ[d, s] with γ · (v_s W_O · u_s) = (g_d ⊙ v_s) W_O · u_s: the weights themselves where there is no gate.

    Law: the weights times `ov_terms` are what really reaches the logits from each key, whatever the gate's entries.
    """
    if gate.shape[3] == 1:
        return mixing(pattern, gate)
    by_head = values.repeat_interleave(W_O.shape[1] // values.shape[2], dim=2).transpose(1, 2)
    gates = gate.expand(*gate.shape[:2], W_O.shape[1], W_O.shape[2]).transpose(1, 2)
    layers = []
    for weights, v, g, written in zip(pattern, by_head, gates, W_O, strict=True):
        parts = v * torch.einsum("hem,mk->hke", written, unembeddings)
        total = parts.sum(-1, keepdim=True)
        layers.append(weights * (g @ torch.where(total == 0, 0.0, parts / total).mT))
    return torch.stack(layers)
