"""Heads at position 0: what attention makes of its input, where no module of its own makes queries, keys or values.

At position 0 a rotation is the identity, so that what goes to the attention function is what was projected.
"""

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import reads_ids
from headscope.interp.weights.trial_run import undisturbed
from headscope.models.hosts.execution_device import execution_device
from headscope.models.hosts.linear_map import LinearMap, map_of_units, wide, with_units
from headscope.models.seam.block_parts import is_norm
from headscope.models.seam.call_arguments import by_name
from headscope.models.seam.watched_calls import Call, watched_calls

OF_CACHES = {"past_key_values": None, "past_key_value": None, "use_cache": False}
Heads = Float[Tensor, "row head 1 d"]


@torch.no_grad()
def maps_at_zero(model: HookedModel, layer: int) -> dict[str, LinearMap]:
    """x W + b of a layer's q, k and v over all their heads, before a norm inside heads, from unit vectors.

    NaN in W where that is no such function of the normalised residual: where a norm stands between two projections, as
    in latent attention, or where attention reads more than the residual. Hooks, modes and caches stay as they are.
    """
    attention, d_model = model.blocks[layer].attn.original_component, model.cfg.d_model
    with undisturbed(model):
        hidden, kwargs = first_call(model, attention) if reads_ids(model) else (None, {})
        if hidden is None or hidden.shape[-1] != d_model:
            return {name: LinearMap(torch.full((d_model, 1), torch.nan), torch.zeros(1)) for name in "qkv"}
        calls: list[Call] = []
        with watched_calls(calls.append), normed_tensors(attention) as normed:
            attention(with_units(d_model).to(hidden)[:, None], **kwargs)
    heads = {name: before_norm(getattr(calls[0].given, name), normed) for name in "qkv"}
    return {name: map_of_units(wide(value.flatten(1)), hidden.dtype) for name, value in heads.items()}


def first_call(model: HookedModel, attention: nn.Module) -> tuple[Tensor | None, dict[str, Any]]:
    """What attention is given for a prompt of one token: the hidden states, all else by keyword, and no cache.

    None where it has another name for what it reads.
    """
    given: list[tuple[Tensor | None, dict[str, Any]]] = []
    names = tuple(inspect.signature(attention.forward).parameters)

    def record(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments = dict(by_name(names, args, kwargs))
        given.append((arguments.pop("hidden_states", None), arguments))

    handle = attention.register_forward_pre_hook(record, with_kwargs=True)
    try:
        model.run_with_hooks(torch.zeros(1, 1, dtype=torch.long, device=execution_device(attention)))
    finally:
        handle.remove()
    [(hidden, kwargs)] = given
    return hidden, {name: OF_CACHES.get(name, value) for name, value in kwargs.items()}


@contextmanager
def normed_tensors(attention: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """What goes into and comes out of every norm inside of an attention module."""
    pairs: list[tuple[Tensor, Tensor]] = []

    def keep(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        pairs.append((args[0], output))

    with ExitStack() as stack:
        for part in attention.modules():
            if part is not attention and not list(part.children()) and list(part.parameters()) and is_norm(part):
                stack.callback(part.register_forward_hook(keep).remove)
        yield pairs


def before_norm(heads: Heads, normed: list[tuple[Tensor, Tensor]]) -> Heads:
    """The heads as they went into the norm that they came out of, if there is one."""
    for before, after in normed:
        if after.numel() == heads.numel() and torch.allclose(after.reshape(heads.shape), heads, atol=1e-6):
            return before.reshape(heads.shape)
    return heads
