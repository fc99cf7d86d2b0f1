"""Linear map: the x W + b that a projection computes, whatever stands between its weight and its output."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from headscope.models.hosts.adapters import is_matrix


@dataclass(frozen=True)
class LinearMap:
    """x W + b, float32 at least, on the CPU; NaN in W where a module is no such function.

    Both may be the model's own memory: what is kept or written into is a copy.
    """

    W: Float[Tensor, "d_in d_out"]
    b: Float[Tensor, "d_out"]


@torch.no_grad()
def linear_map(module: Any, d_in: int) -> LinearMap:
    """What a projection does to d_in numbers: read off a plain Linear or Conv1D, measured on any other module.

    So adapters (W + (α/r) B A), weight norms and quantised weights count.
    """
    if is_plain(module):
        weight, bias = module.weight, module.bias
        W = wide(weight if isinstance(module, Conv1D) else weight.T)
        return LinearMap(W, W.new_zeros(W.shape[1]) if bias is None else wide(bias))
    return measured_map(module, d_in)


def is_plain(module: nn.Module) -> bool:
    """Whether a module computes with a weight and bias that are there, and with nothing else."""
    changed = module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
    return (is_matrix(module) or type(module) is nn.Embedding) and not changed and not module.weight.is_meta


def measured_map(module: nn.Module, d_in: int) -> LinearMap:
    """W and b from the outputs of zero and of the unit vectors; a random vector must agree."""
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    with eval_mode(module):
        return map_of_units(wide(module(with_units(d_in).to(like)[None])[0]), like.dtype)


def with_units(d_in: int) -> Float[Tensor, "row d_in"]:
    """Zero, the unit vectors, and a random vector: what a linear map is known by, and held against."""
    trial = torch.randn(1, d_in, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.zeros(1, d_in), torch.eye(d_in), trial])


def map_of_units(outputs: Float[Tensor, "row d_out"], dtype: torch.dtype) -> LinearMap:
    """W and b from what a function of some number format makes of with_units; NaN in W where it is not linear."""
    b, W, expected = outputs[0], outputs[1:-1] - outputs[0], outputs[-1]
    trial = with_units(len(W))[-1].to(W)
    is_linear = (trial @ W + b - expected).norm() <= tolerance(dtype) * expected.norm()
    return LinearMap(W if is_linear else torch.full_like(W, torch.nan), b)


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """The module in eval mode, every part in its own again afterwards."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def tolerance(dtype: torch.dtype) -> float:
    """How far two ways to compute one thing in a number format may lie apart, relative to its size."""
    return torch.finfo(dtype if dtype.itemsize < 4 else torch.float32).eps ** 0.5


def wide(tensor: Tensor) -> Float[Tensor, "..."]:
    """A tensor on the CPU, float32 at least; the model's own memory where that is so already."""
    return (tensor if tensor.dtype == torch.float64 else tensor.float()).detach().cpu()
