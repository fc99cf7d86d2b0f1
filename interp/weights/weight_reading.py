"""Weight reading: the matrices of heads from the modules of a hooked model, each taken as the function that it is."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import reads_ids
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.heads_at_zero import maps_at_zero
from headscope.interp.weights.measured_norm import MeasuredNorm, measured_norm
from headscope.models.hosts.execution_device import execution_device
from headscope.models.hosts.linear_map import LinearMap, eval_mode, is_plain, linear_map, wide


def weights_of_modules(model: HookedModel) -> HeadWeights:
    """The matrices before any factor that the model applies between its modules."""
    n_heads, d_model, d_head = model.cfg.n_heads, model.cfg.d_model, model.cfg.d_head
    d_value = getattr(model.cfg, "d_value", d_head)
    widths = {"q": n_heads * d_head, "k": n_heads * d_head, "v": n_heads * d_value}
    layers = head_layers(model)
    blocks = [model.blocks[layer] for layer in layers]
    at_zero = cache(partial(maps_at_zero, model))
    q, k, v = (
        torch.stack([_read(model.blocks[at], name, d_model, width, partial(at_zero, at)) for at in layers])
        for name, width in widths.items()
    )
    W_Q, b_Q = _by_head(q, n_heads)
    W_K, b_K = _by_head(k, n_heads, W_Q.shape[-1])
    W_V, b_V = _by_head(v, n_heads, d_value if d_value != d_head else W_Q.shape[-1])
    unembed = _unembedding(model, d_model)
    final = _norm(model, "ln_final", d_model)
    return HeadWeights(
        W_Q,
        W_K,
        W_V,
        torch.stack([_written(block, n_heads, W_V.shape[-1], d_model) for block in blocks]),
        b_Q,
        b_K,
        b_V,
        W_E=_embedding(model),
        W_U=_centre(final.gain[:, None] * unembed.W, final.centred),
        b_U=unembed.b + final.bias @ unembed.W,
        W_pos=_positions(model),
        q_norm=_head_norm(blocks, "q_norm", W_Q.shape[-1]),
        k_norm=_head_norm(blocks, "k_norm", W_Q.shape[-1]),
        head_layers=layers,
    )


def _read(
    block: Any, name: str, d_model: int, width: int, at_zero: Callable[[], dict[str, LinearMap]]
) -> Float[Tensor, "d_model_and_one width"]:
    """A projection of the normalised residual with its norm folded in; the last row is its bias.

    Where no module of its own makes it of the residual, it is measured at position 0; NaN, of this width, where what is
    there is not linear.
    """
    own = _component_map(getattr(block.attn, name), d_model) if hasattr(block.attn, name) else None
    projection, norm = at_zero()[name] if own is None or len(own.W) != d_model else own, _norm(block, "ln1", d_model)
    if projection.W.isnan().all():
        return torch.full((d_model + 1, width), torch.nan)
    W = _centre(norm.gain[:, None] * projection.W, norm.centred)
    return torch.cat([W, (norm.bias @ projection.W + projection.b)[None]])


def _by_head(
    stacked: Float[Tensor, "layer d_model_and_one width"], n_heads: int, d_head: int | None = None
) -> tuple[Float[Tensor, "layer head d_model d_head"], Float[Tensor, "layer head d_head"]]:
    """Weights and biases per query head; heads of a group share theirs."""
    d_head = d_head or stacked.shape[-1] // n_heads
    split = stacked.unflatten(-1, (-1, d_head)).transpose(1, 2)
    if split.shape[1] != n_heads:
        split = split.repeat_interleave(n_heads // split.shape[1], dim=1)
    return split[:, :, :-1], split[:, :, -1]


def _written(block: Any, n_heads: int, d_head: int, d_model: int) -> Float[Tensor, "head d_head d_model"]:
    """W_O by head, with the gain and the centring of a norm, or a layer scale, that follows attention."""
    if not hasattr(block.attn, "o"):
        return torch.full((n_heads, d_head, d_model), torch.nan)
    W = _component_map(block.attn.o, n_heads * d_head).W
    if hasattr(block, "ln1_post"):
        norm = _norm(block, "ln1_post", d_model)
        W = (W - W.mean(1, keepdim=True) if norm.centred else W) * norm.gain
    if hasattr(block, "attn_scale"):
        W = W @ _component_map(block.attn_scale, d_model).W
    by_head, order = W.unflatten(0, (n_heads, -1)), getattr(block.attn, "head_order", None)
    return by_head if order is None else by_head[torch.tensor(order).argsort()]


def _unembedding(model: HookedModel, d_model: int) -> LinearMap:
    """From the last residual to the logits; NaN where what answers reads another vector, none where nothing does."""
    answers = model.cfg.d_vocab_out
    if not answers or getattr(model.unembed.original_component, "in_features", d_model) != d_model:
        return LinearMap(torch.full((d_model, answers), torch.nan), torch.full((answers,), torch.nan))
    return _component_map(model.unembed, d_model)


def _component_map(component: Any, d_in: int) -> LinearMap:
    """What the module behind a component of the hooked model computes."""
    return linear_map(component.original_component, d_in)


def _norm(of: Any, name: str, width: int) -> MeasuredNorm:
    """The norm behind a component of the hooked model or a block of it; where there is none, one that does nothing."""
    norm = getattr(of, name).original_component if hasattr(of, name) else nn.Identity()
    if isinstance(norm, nn.Identity):
        return MeasuredNorm(torch.ones(width), torch.zeros(width), centred=False)
    return measured_norm(norm, width)


def _centre(weight: Float[Tensor, "d_model width"], centred: bool) -> Float[Tensor, "d_model width"]:
    """The weight of the input before its mean is taken off; written in the place of what is given."""
    return weight.sub_(weight.mean(0, keepdim=True)) if centred else weight


def _embedding(model: HookedModel) -> Float[Tensor, "vocab_or_none d_model"]:
    """The embedding module's output for every token, its own weight where it is that; a model of images has none."""
    if not reads_ids(model):
        return torch.empty(0, model.cfg.d_model)
    module = model.embed.original_component
    if is_plain(module):
        return wide(module.weight)
    with eval_mode(module):
        return wide(module(torch.arange(model.cfg.d_vocab, device=execution_device(module))))


def _positions(model: HookedModel) -> Float[Tensor, "position d_model"] | None:
    """Learned positions, where the model adds any; a vision transformer's begin with that of the class token."""
    of_patches = getattr(model.embed.original_component, "position_embeddings", None)
    if of_patches is not None:
        return wide(of_patches)[0]
    pos_embed = getattr(model, "pos_embed", None)
    return None if pos_embed is None else wide(pos_embed.original_component.weight)


def _head_norm(blocks: Sequence[Any], name: str, d_head: int) -> Float[Tensor, "layer d_head"] | None:
    """Gains of a norm inside each head, the same for all heads of a layer; none for a norm of another width."""
    names = (name, name.replace("norm", "layernorm"))  # the second is LFM2's
    parts = [next((getattr(block.attn, key) for key in names if hasattr(block.attn, key)), None) for block in blocks]
    modules = [getattr(part, "original_component", part) for part in parts if part is not None]
    if not modules or any(parameter.numel() != d_head for module in modules for parameter in module.parameters()):
        return None
    return torch.stack([measured_norm(module, d_head).gain for module in modules])
