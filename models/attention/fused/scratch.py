"""Scratch: memory that one computation after another uses, as fresh memory costs more than what is computed in it."""

import math
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Scratch:
    """Memory by its use; what was computed for one use is gone when the next asks for the same."""

    memory: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def of_shape(self, use: str, like: Tensor, shape: tuple[int, ...]) -> Float[Tensor, "..."]:
        """Memory of a shape, with anything in it, of the number format and on the device of another tensor."""
        if use not in self.memory or self.memory[use].numel() < math.prod(shape):
            self.memory[use] = like.new_empty(math.prod(shape))
        return self.memory[use][: math.prod(shape)].view(shape)

    def like(self, use: str, x: Tensor) -> Float[Tensor, "..."]:
        """Memory of the shape of a tensor."""
        return self.of_shape(use, x, tuple(x.shape))
