"""What a kernel gives to be computed score by score, in operators that torch's and Triton's tensors share."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Cells = Float[Tensor, "*cells"]


@dataclass(frozen=True)
class Element:
    """a = σ h / Σ h, σ the sign of the score (0 of 0) or 1, h never negative, of one score at a time.

    value(score, power): h, or its logarithm where is_exponential: then a row's largest is taken off as it goes.
    slope(score, power): the derivative of value; a number where it is constant.
    power: the option of the kernel that both take, fixed when a kernel is compiled.
    is_normalised: whether Σ h divides; of a kernel without, h may have any sign.
    Both functions are compiled from their source: plain operators and methods alone, annotations in quotes.
    """

    value: Callable[[Cells, int], Cells]
    slope: Callable[[Cells, int], Cells | float]
    is_exponential: bool = False
    is_signed: bool = False
    is_normalised: bool = True
    power: int = 1
