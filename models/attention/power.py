"""The power of a kernel a = c p^power, as its weights tell it."""

import torch
from jaxtyping import Float
from torch import Tensor


def power_of(pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"]) -> int | None:
    """The power, read off one row: the slope of ln abs(a) on ln abs(p) in a = c p^power.

    None where no row has two weights of different size.
    """
    size, height = scores.abs().where(pattern != 0, torch.nan).log(), pattern.abs().where(pattern != 0, torch.nan).log()
    spread = size.nan_to_num(-torch.inf).amax(-1) - size.nan_to_num(torch.inf).amin(-1)
    reach = height.nan_to_num(-torch.inf).amax(-1) - height.nan_to_num(torch.inf).amin(-1)
    widest = int(spread.flatten().argmax())
    width = float(spread.flatten()[widest])
    return round(float(reach.flatten()[widest]) / width) if 0 < width < torch.inf else None
