"""Weight state: what tells that a model no longer computes with the weights that were read of it.

Two states are equal while no module came, went or was wrapped, none of its plain settings changed, and every tensor
stands where it stood with the numbers that it had. Training, edits in place and loaded states raise torch's own count
of writes; what is written past that count (through .data or numpy) changes a projection of the tensor, which sees any
change that seven digits of it show. transformer-lens's parts around the modules count for nothing: a hook on them edits
what a run computes and no weight.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from headscope.models.seam.lens import GeneralizedComponent, HookPoint

PLAIN = (bool, int, float, str, type(None))


@torch.no_grad()
def weight_state(model: nn.Module) -> tuple[object, ...]:
    """The state of a model's modules and tensors, which is equal to a later one while nothing was changed."""
    modules = [part for part in model.modules() if not isinstance(part, HookPoint | GeneralizedComponent)]
    tensors = [*model.parameters(), *model.buffers()]
    return (*map(module_state, modules), *map(place_and_count, tensors), *projections(tensors))


def module_state(module: nn.Module) -> tuple[object, ...]:
    """Which module it is, what is wrapped around it, and its plain settings but for its mode."""
    own: dict[str, Any] = vars(module)
    settings = [(name, value) for name, value in own.items() if type(value) in PLAIN and name != "training"]
    return (id(module), id(own.get("forward")), *module._forward_hooks, *module._forward_pre_hooks, *settings)


def place_and_count(tensor: Tensor) -> tuple[object, ...]:
    """Where its numbers stand, and how often torch wrote into them."""
    return tensor.data_ptr(), tensor.shape, tensor.dtype, 0 if tensor.is_inference() else tensor._version


def projections(tensors: list[Tensor]) -> Iterator[float]:
    """One number of each tensor, which flips, swaps and shifts of its entries change; read in one pass over it."""
    for tensor in tensors:
        rows = tensor.detach().reshape(-1, tensor.shape[-1] if tensor.ndim else 1)
        rows = rows if rows.is_floating_point() else rows.float()
        left, right = (torch.arange(1.0, size + 1, device=rows.device).sin() for size in rows.shape)
        yield (left.double() @ (rows @ right.to(rows.dtype)).double()).item()
