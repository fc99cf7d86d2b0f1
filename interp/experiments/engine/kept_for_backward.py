"""Bytes kept for the backward pass: what a step makes autograd hold, the same on every machine."""

from collections.abc import Callable

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


def bytes_kept(step: Callable[[], object]) -> int:
    """Bytes of the distinct storages that autograd keeps while the step runs, parameters left out."""
    sizes: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not (tensor.is_leaf and tensor.requires_grad):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    return sum(sizes.values())
