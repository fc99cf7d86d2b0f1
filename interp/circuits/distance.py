"""Distance: the W_QK of a head that rotates its queries and keys, for a query so many positions after its key."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import HeadWeights

ANGLES = ("attn.hook_cos", "attn.hook_sin")


def score_weights(weights: HeadWeights, rotation: Float[Tensor, "layer d_head d_head"] | None = None) -> HeadWeights:
    """The weights whose W_Q W_Kᵀ is W_QK: gains of norms on queries and keys, and a rotation, folded in.

    Law: (x_q W_Q + b_Q)(x_k W_K + b_K)ᵀ of normalised residuals is q·k before its scale. With norms on queries and keys
    (Qwen3, Gemma 3) that holds but for a positive factor of each query and of each key, which their norms divide by.
    Without a rotation the distance is 0. Weights that this function returned come back as they are.
    """
    q_gain = _gain(weights.q_norm, weights.W_Q)
    k_gain = _gain(weights.k_norm, weights.W_K)
    W_Q, b_Q = weights.W_Q * q_gain, weights.b_Q * q_gain[..., 0, :]
    if rotation is not None:
        turn = rotation[:, None].to(W_Q.dtype)
        W_Q, b_Q = W_Q @ turn, (b_Q[..., None, :] @ turn)[..., 0, :]
    return replace(
        weights,
        W_Q=W_Q,
        b_Q=b_Q,
        W_K=weights.W_K * k_gain,
        b_K=weights.b_K * k_gain[..., 0, :],
        q_norm=None,
        k_norm=None,
    )


def relative_rotation(model: HookedModel, distance: int) -> Float[Tensor, "layer d_head d_head"]:
    """R(Δ) with q R(Δ) kᵀ the product of a query and a key Δ positions before it, each turned as the model turns them.

    The identity for a model that does not rotate. The angles are those of the model's own hooks in one forward pass
    over Δ + 1 tokens, so that a rotation of a part of the head, of its own base in each layer, or of a longer context
    comes out as it is there. Raises ValueError for a distance that the model's context does not hold.
    """
    cfg = model.cfg
    if not 0 <= distance < cfg.n_ctx:
        raise ValueError(f"distance {distance} lies outside this model's context: give one of 0 to {cfg.n_ctx - 1}")
    layers = head_layers(model)
    if f"blocks.{layers[0]}.{ANGLES[0]}" not in model.hook_dict:
        return torch.eye(cfg.d_head).expand(len(layers), -1, -1)
    [run] = gathered_activations(model, [PromptTokens((0,) * (distance + 1), ("",) * (distance + 1))], ANGLES)
    cos, sin = (run[name] for name in ANGLES)
    turned = head_rotation(model)
    near, far = (turned(cos[:, at], sin[:, at], cfg.d_head) for at in (0, distance))
    return far @ near.mT


def head_rotation(model: HookedModel) -> Callable[..., Float[Tensor, "*layer d_head d_head"]]:
    """Cosines, sines and d_head -> the matrix by which the model turns a row."""
    return pair_rotation if getattr(model.cfg, "rotary_adjacent_pairs", False) else half_rotation


def half_rotation(
    cos: Float[Tensor, "*layer rotary"], sin: Float[Tensor, "*layer rotary"], d_head: int
) -> Float[Tensor, "*layer d_head d_head"]:
    """The matrix of Hugging Face's rotation: of the first `rotary` entries, entry i pairs with entry i + rotary/2."""
    rotary = cos.shape[-1]
    unit = torch.eye(rotary, dtype=cos.dtype)
    swapped = torch.cat([-unit[rotary // 2 :], unit[: rotary // 2]]).T
    return on_first(unit * cos[..., None, :] + swapped * sin[..., None, :], d_head)


def pair_rotation(
    cos: Float[Tensor, "*layer rotary"], sin: Float[Tensor, "*layer rotary"], d_head: int
) -> Float[Tensor, "*layer d_head d_head"]:
    """The matrix of GLM's and ERNIE's rotation: entry 2i pairs with 2i + 1; half of the angles is read."""
    rotary = cos.shape[-1]
    cos, sin = (angle[..., : rotary // 2].repeat_interleave(2, dim=-1) for angle in (cos, sin))
    unit = torch.eye(rotary, dtype=cos.dtype)
    swapped = torch.stack([-unit[1::2], unit[::2]], 1).flatten(0, 1).T
    return on_first(unit * cos[..., None, :] + swapped * sin[..., None, :], d_head)


def on_first(rotation: Float[Tensor, "*layer rotary rotary"], d_head: int) -> Float[Tensor, "*layer d_head d_head"]:
    """A rotation of the first entries of a head, the others staying."""
    rotary = rotation.shape[-1]
    turned = torch.eye(d_head, dtype=rotation.dtype).repeat(*rotation.shape[:-2], 1, 1)
    turned[..., :rotary, :rotary] = rotation
    return turned


def _gain(
    norm: Float[Tensor, "layer d_head"] | None, like: Float[Tensor, "layer head d_model d_head"]
) -> Float[Tensor, "layer_or_one 1 1 d_head"]:
    """The gain of a norm inside each head, 1 without."""
    return like.new_ones(1, 1, 1, like.shape[-1]) if norm is None else norm[:, None, None]
