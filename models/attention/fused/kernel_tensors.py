"""Kernel options that are tensors: kept apart from the plain ones for autograd, and what they learn tile by tile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.options import Options
from headscope.models.attention.widening import at_least_float32

if TYPE_CHECKING:
    from headscope.models.attention.variant import Variant


@dataclass(frozen=True)
class KernelOptions:
    """A kernel's options without their tensors, which autograd has to see, and the names of those."""

    plain: Options
    names: tuple[str, ...]

    @classmethod
    def of(cls, kernel: Options) -> tuple["KernelOptions", tuple[Tensor, ...]]:
        """The options, and their tensors apart."""
        tensors = {name: value for name, value in kernel.items() if isinstance(value, Tensor)}
        plain = {name: value for name, value in kernel.items() if name not in tensors}
        return cls(plain, tuple(tensors)), tuple(tensors.values())

    def with_tensors(self, tensors: Sequence[Tensor]) -> Options:
        """All of them."""
        return {**self.plain, **dict(zip(self.names, tensors, strict=True))}


@dataclass(frozen=True)
class Learning:
    """What a kernel's own tensors learn of each tile: autograd through `weigh`, where they have a gradient."""

    variant: "Variant"
    kernel: Options
    leaves: tuple[Tensor | None, ...]
    sums: tuple[Tensor | None, ...]

    @classmethod
    def of(
        cls, variant: "Variant", options: KernelOptions, tensors: Sequence[Tensor], wanted: Sequence[bool]
    ) -> "Learning":
        """Of the tensors that want a gradient."""
        pairs = tuple(zip(tensors, wanted, strict=True))
        leaves = tuple(x.detach().requires_grad_() if is_wanted else None for x, is_wanted in pairs)
        every = [x if leaf is None else leaf for x, leaf in zip(tensors, leaves, strict=True)]
        sums = tuple(None if leaf is None else at_least_float32(torch.zeros_like(leaf)) for leaf in leaves)
        return cls(variant, options.with_tensors(every), leaves, sums)

    def add(
        self,
        scores: Float[Tensor, "tile_batch tile_head tile_query tile_key"],
        visible: Bool[Tensor, "_ _ tile_query tile_key"],
        cut: Callable[[Options], Options],
        grad_pattern: Float[Tensor, "tile_batch tile_head tile_query tile_key"],
    ) -> None:
        """Add what a tile gives, to which `cut` cuts options."""
        wanted = [leaf for leaf in self.leaves if leaf is not None]
        if not wanted:
            return
        with torch.enable_grad():
            pattern = self.variant.weigh(scores, visible, **cut(self.kernel))
            gradients = torch.autograd.grad(pattern, wanted, grad_pattern)
        for total, gradient in zip((x for x in self.sums if x is not None), gradients, strict=True):
            total += gradient

    def gradients(self) -> tuple[Tensor | None, ...]:
        """∂L/∂ of each tensor, None of those that want none."""
        pairs = zip(self.sums, self.leaves, strict=True)
        return tuple(None if total is None or leaf is None else total.to(leaf.dtype) for total, leaf in pairs)
