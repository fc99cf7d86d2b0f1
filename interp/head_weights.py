"""Head weights: the matrices of every head, norms folded in, grouped heads repeated; what circuits are made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.prompt import classes_of


@dataclass(frozen=True)
class HeadWeights:
    """Row-vector convention, float32 at least, on the CPU; queries are x W_Q + b_Q of the residual x over its norm.

    W_Q, W_K, W_V read the normalised residual (its norm's gain, bias and centring folded in), before rotation.
    W_O writes to the residual; where a norm follows attention (Gemma) its gain is folded in, its scale is not.
    W_E: embedding with the model's factor, without a row where images are read; W_pos learned positions or None.
    W_U, b_U: the final norm folded in.
    q_norm, k_norm: gains of norms on queries and keys (Qwen3, Gemma 3), not folded in, or None.
    rotary: cos and sin of the rotation are the model's own; None for a model without.
    """

    W_Q: Float[Tensor, "layer head d_model d_head"]
    W_K: Float[Tensor, "layer head d_model d_head"]
    W_V: Float[Tensor, "layer head d_model d_head"]
    W_O: Float[Tensor, "layer head d_head d_model"]
    b_Q: Float[Tensor, "layer head d_head"]
    b_K: Float[Tensor, "layer head d_head"]
    b_V: Float[Tensor, "layer head d_head"]
    W_E: Float[Tensor, "vocab_or_none d_model"]
    W_U: Float[Tensor, "d_model vocab"]
    b_U: Float[Tensor, "vocab"]
    W_pos: Float[Tensor, "position d_model"] | None = None
    q_norm: Float[Tensor, "layer d_head"] | None = None
    k_norm: Float[Tensor, "layer d_head"] | None = None

    @cached_property
    def W_U_centred(self) -> Float[Tensor, "d_model vocab"]:  # noqa: N802
        """W_U less its mean over the vocabulary: logits against their mean, which is all that probabilities know of.

        A vector added to every column of W_U adds the same to all logits, and leaves the model's function alone but
        under a soft cap on the logits (Gemma 2).
        """
        return self.W_U - self.W_U.mean(1, keepdim=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of layers and of heads in each."""
        return self.W_Q.shape[0], self.W_Q.shape[1]


@torch.no_grad()
def head_weights(model: Any) -> HeadWeights:
    """The matrices of a hooked model (a TransformerBridge whose weights were not processed); the model stays as it is.

    Law: (resid_pre / ln1.hook_scale) W_Q + b_Q is hook_q, and (resid_post / ln_final.hook_scale) W_U + b_U the logits
    before any soft cap.
    """
    n_heads = model.cfg.n_heads
    q, k, v = (torch.stack([_read(block.ln1, getattr(block.attn, name)) for block in model.blocks]) for name in "qkv")
    W_Q, b_Q = _by_head(q, n_heads)
    W_K, b_K = _by_head(k, n_heads, W_Q.shape[-1])
    W_V, b_V = _by_head(v, n_heads, W_Q.shape[-1])
    W_U, b_U = _unembedding(model)
    gain, bias, centred = _norm(model.ln_final)
    return HeadWeights(
        W_Q,
        W_K,
        W_V,
        torch.stack([_written(block, n_heads) for block in model.blocks]),
        b_Q,
        b_K,
        b_V,
        W_E=_embedding(model),
        W_U=_centre(gain[:, None] * W_U, centred),
        b_U=b_U + bias @ W_U,
        W_pos=_positions(model),
        q_norm=_head_norm(model, "q_norm"),
        k_norm=_head_norm(model, "k_norm"),
    )


def _read(norm: Any, linear: Any) -> Float[Tensor, "d_model_and_one width"]:
    """A projection of the normalised residual with its norm folded in; the last row is its bias."""
    weight, bias = _linear(linear)
    gain, shift, centred = _norm(norm)
    return torch.cat([_centre(gain[:, None] * weight, centred), (shift @ weight + bias)[None]])


def _by_head(
    stacked: Float[Tensor, "layer d_model_and_one width"], n_heads: int, d_head: int | None = None
) -> tuple[Float[Tensor, "layer head d_model d_head"], Float[Tensor, "layer head d_head"]]:
    """Weights and biases per query head; heads of a group share theirs."""
    d_head = d_head or stacked.shape[-1] // n_heads
    split = stacked.unflatten(-1, (-1, d_head)).transpose(1, 2)
    split = split.repeat_interleave(n_heads // split.shape[1], dim=1)
    return split[:, :, :-1], split[:, :, -1]


def _written(block: Any, n_heads: int) -> Float[Tensor, "head d_head d_model"]:
    """W_O by head, with the gain of a norm that follows attention."""
    weight, _ = _linear(block.attn.o)
    if hasattr(block, "ln1_post"):
        weight = weight * _norm(block.ln1_post)[0]
    return weight.unflatten(0, (n_heads, -1))


def _linear(linear: Any) -> tuple[Float[Tensor, "d_in d_out"], Float[Tensor, "d_out"]]:
    """Weight and bias of a projection, x @ weight + bias; GPT-2's Conv1D stores them this way already."""
    module = linear.original_component
    weight = _wide(module.weight)
    weight = weight if type(module).__name__ == "Conv1D" else weight.T
    bias = getattr(module, "bias", None)
    return weight, torch.zeros(weight.shape[1], dtype=weight.dtype) if bias is None else _wide(bias)


def _norm(norm: Any) -> tuple[Float[Tensor, "d_model"], Float[Tensor, "d_model"], bool]:
    """Gain and bias of a norm, and whether it centres (LayerNorm) or not (RMSNorm; Gemma's gain is 1 + weight)."""
    module = norm.original_component
    gain = _wide(module.weight)
    if type(module).__name__.startswith("Gemma"):
        gain = 1 + gain
    bias = getattr(module, "bias", None)
    shift = torch.zeros_like(gain) if bias is None else _wide(bias)
    return gain, shift, isinstance(module, torch.nn.LayerNorm)


def _centre(weight: Float[Tensor, "d_model width"], centred: bool) -> Float[Tensor, "d_model width"]:
    """The weight of the input before its mean is taken off."""
    return weight - weight.mean(0, keepdim=True) if centred else weight


def _embedding(model: Any) -> Float[Tensor, "vocab_or_none d_model"]:
    """W_E, times √d_model in Gemma."""
    if not hasattr(model, "W_E"):
        return torch.empty(0, model.cfg.d_model)
    W_E = _wide(model.W_E)
    gemma = model.original_model.config.model_type.startswith("gemma")
    return W_E * W_E.shape[1] ** 0.5 if gemma else W_E


def _unembedding(model: Any) -> tuple[Float[Tensor, "d_model vocab"], Float[Tensor, "vocab"]]:
    """W_U and b_U, zeros where there is none; of an image classifier its last layer."""
    if classes_of(model):
        return _linear(model.unembed)
    W_U, b_U = _wide(model.W_U), getattr(model, "b_U", None)
    return W_U, torch.zeros(W_U.shape[1]) if b_U is None else _wide(b_U)


def _positions(model: Any) -> Float[Tensor, "position d_model"] | None:
    """Learned positions, where the model adds any; a vision transformer's begin with that of the class token."""
    of_patches = getattr(model.embed.original_component, "position_embeddings", None)
    if of_patches is not None:
        return _wide(of_patches)[0]
    pos_embed = getattr(model, "pos_embed", None)
    return None if pos_embed is None else _wide(pos_embed.original_component.weight)


def _head_norm(model: Any, name: str) -> Float[Tensor, "layer d_head"] | None:
    """Gains of a norm inside each head."""
    if not hasattr(model.blocks[0].attn, name):
        return None
    return torch.stack([_norm(getattr(block.attn, name))[0] for block in model.blocks])


def _wide(tensor: Tensor) -> Float[Tensor, "..."]:
    """A weight on the CPU, float32 at least, apart from the model."""
    return (tensor if tensor.dtype == torch.float64 else tensor.float()).detach().cpu().clone()
