"""Factors: what an attention module multiplies its queries or its heads' outputs by, seen as it does so.

Llama 4 and Ministral 3 multiply the queries of a position by a number, Qwen3-Next the output of a head by a gate; each
writes it in its own forward pass, around the call of its attention.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

PRODUCTS = (torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.mul_)
# What may give the same numbers another place in memory.
COPIES = (Tensor.to, Tensor.float, Tensor.type_as, Tensor.contiguous, Tensor.reshape, torch.reshape)
QUERY_SCALE, GATE = "hook_query_scale", "hook_gate"
FACTORS = (QUERY_SCALE, GATE)
Gate = Float[Tensor, "batch query head_or_one d_value_or_one"]


class Factors(TorchFunctionMode):
    """While attention modules run: the factors of the call that is under way, and the gate as a hook leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self._scaled: list[tuple[Tensor, Tensor]] = []
        self._outputs: list[Tensor] = []
        self._edit: Callable[[Gate], Gate] = lambda gate: gate

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in PRODUCTS and len(args) == 2 and not kwargs and all(isinstance(arg, Tensor) for arg in args):
            return self._product(func, *args)
        result = func(*args, **(kwargs or {}))
        if func in COPIES:
            self._follow(args[0], result)
        return result

    def query_scale(self, query: Float[Tensor, "batch head query d_head"]) -> Float[Tensor, "batch 1 query"] | None:
        """The number by which these queries were multiplied, for each position; None where they were not."""
        factor = next((factor for product, factor in self._scaled if is_same_memory(product, query)), None)
        self._scaled.clear()
        if factor is None or query.shape[1] == 1 or factor.numel() not in (query.shape[2], len(query) * query.shape[2]):
            return None
        return factor.reshape(-1, 1, query.shape[2])

    def give(self, output: Float[Tensor, "batch query head d_value"], edit: Callable[[Gate], Gate]) -> None:
        """What attention gives its module, and what becomes of the gate that it is multiplied by."""
        self._outputs, self._edit = [output], edit

    def _product(self, func: Callable[..., Any], first: Tensor, second: Tensor) -> Tensor:
        for at, (value, factor) in enumerate(((first, second), (second, first))):
            if self._is_output(value) and (gate := self._as_gate(factor)) is not None:
                self._outputs, edited = [], self._edit(gate).reshape(factor.shape)
                return func(first, edited) if at == 0 else func(edited, second)
        product = func(first, second)
        for value, factor in ((first, second), (second, first)):
            if value.ndim == factor.ndim == 4 and factor.shape[-1] == 1 and 1 in factor.shape[1:3]:
                self._scaled.append((product, factor))
        return product

    def _is_output(self, tensor: Tensor) -> bool:
        return any(is_same_memory(tensor, output) for output in self._outputs)

    def _as_gate(self, factor: Tensor) -> Gate | None:
        """A factor by position and head, or None where it is another."""
        batch, n_query, heads, width = self._outputs[0].shape
        if factor.shape == (batch, n_query, heads * width):
            return factor.unflatten(-1, (heads, width))
        return factor if factor.ndim == 4 and factor.shape[:2] == (batch, n_query) else None

    def _follow(self, source: Any, copy: Any) -> None:
        """Know a copy of what is known."""
        if not (isinstance(source, Tensor) and isinstance(copy, Tensor)):
            return
        if self._is_output(source):
            self._outputs.append(copy)
        self._scaled += [(copy, factor) for product, factor in self._scaled if is_same_memory(product, source)]


def is_same_memory(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are views of all of one piece of memory."""
    return first.data_ptr() == second.data_ptr() and first.numel() == second.numel()
