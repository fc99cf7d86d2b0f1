"""Contribution weights: what a head moves from a token, as a signed weight that no gauge changes."""

import torch
from jaxtyping import Float
from torch import Tensor


def contribution_weights(
    pattern: Float[Tensor, "layer head query key"],
    values: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
) -> Float[Tensor, "layer head query key"]:
    """c_h[t, s] = ⟨f_h[t, s], o_t⟩ / Σ_{h,s} abs⟨f_h[t, s], o_t⟩ with f_h[t, s] = A_h[t, s] v_s W_O, o_t = Σ f_h[t, s].

    A contribution counts by how far it goes along what the layer's attention adds in the end. Laws: Σ abs(c) = 1 over
    heads and keys, as in signed rows, and Σ c is positive, 1 where no contribution goes against the sum; 0 for a
    token whose attention adds nothing. A f is all that the function sees of A, W_V and W_O: no change of gauge
    touches it, nor does a norm after attention that only scales. values: hook_v; heads of a group share theirs.
    """
    layers = zip(pattern, values, W_O, strict=True)
    return torch.stack(
        [layer_contribution_weights(A, v.repeat_interleave(len(W) // v.shape[1], dim=1), W) for A, v, W in layers]
    )


def layer_contribution_weights(
    pattern: Float[Tensor, "head query key"],
    values: Float[Tensor, "key head d_head"],
    W_O: Float[Tensor, "head d_head d_model"],
) -> Float[Tensor, "head query key"]:
    """The weights of one layer, without the vectors f themselves."""
    added = torch.einsum("hqk,khd,hdm->qm", pattern, values, W_O)
    along = pattern * torch.einsum("qm,hdm,khd->hqk", added, W_O, values)
    total = along.abs().sum((0, 2), keepdim=True)
    return along / total.masked_fill(total == 0, 1)
