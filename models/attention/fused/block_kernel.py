"""What a kernel gives to be computed by blocks of queries × keys, in place."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Block = Float[Tensor, "*heads query key"]
Row = Float[Tensor, "*heads query 1"]


@dataclass(frozen=True)
class BlockKernel:
    """A kernel in place on blocks of scores; every function is given the kernel's own options by keyword.

    numerators(scores, work, hidden, shift): scores become g(p), exactly 0 where hidden, and it returns Σ h of the
    rows; work is scratch, shift the row's largest exponent, to be taken off, or None.
    gradients(scores, grad, work, hidden, total, delta): scores become weights, and grad, ∂L/∂a, becomes ∂L/∂p; total
    is Σ h, of an exponential its logarithm with the shift; delta is Σ a ∂L/∂a of the row.
    exponent(scores, work): the exponents, in work; None of a kernel without.
    largest, smallest: the greatest magnitude of a score, and the least Σ h, of which the direct form is exact.
    """

    numerators: Callable[..., Row | None]
    gradients: Callable[..., None]
    exponent: Callable[[Block, Block], Block] | None = None
    largest: float = 1e30
    smallest: float = 0.0

    def kept(self, total: Row, shift: Row | None) -> Row:
        """What a row keeps for its gradient; a row that sees nothing divides by 1."""
        total = total.masked_fill(total == 0, 1.0)
        if self.exponent is None:
            return total
        return total.log() if shift is None else total.log() + shift
