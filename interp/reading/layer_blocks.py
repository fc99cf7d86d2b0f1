"""Layer blocks: what hooks of layers held, those of one hook side by side, so that no layer's is copied to be stacked.

One large block of memory a hook goes back to the system as it came; a piece a layer, laid down between what passes make
and let go, leaves holes that nothing fills.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from headscope.models.attention.run import at_least_float32


@dataclass(frozen=True)
class LayerBlocks:
    """layers: how many each hook has, by name; prompts: how many run together. Float32 at least, on the CPU."""

    layers: Mapping[str, int]
    prompts: int
    blocks: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    filled: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def copy(self, name: str, at: int, value: Tensor) -> Tensor:
        """A copy of what one layer's hook holds, in the block where it is of the size of the layers before it."""
        if name not in self.blocks:
            dtype = at_least_float32(value[:0]).dtype if value.is_floating_point() else value.dtype
            self.blocks[name] = torch.empty((self.prompts, self.layers[name], *value.shape[1:]), dtype=dtype)
            self.filled[name] = set()
        place = self.blocks[name][:, at]
        if place.shape[1:] != value.shape[1:]:
            return value.cpu().clone()
        self.filled[name].add(at)
        return place.copy_(value)

    def whole(self, name: str) -> Tensor | None:
        """[prompt, layer, …] of a hook that every layer gave; None of another."""
        return self.blocks[name] if len(self.filled.get(name, ())) == self.layers.get(name) else None
