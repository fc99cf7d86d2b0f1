"""Signed-max pooling: a small picture of a pattern in which a lone strong weight of either sign survives."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d


def signed_max_pool(pattern: Float[Tensor, "head query key"], size: int) -> Float[Tensor, "head small small"]:
    """The weight of the largest magnitude in each of size × size blocks, with its sign; small patterns stay whole."""
    side = min(size, pattern.shape[-1])
    highest = adaptive_max_pool2d(pattern, side)
    lowest = -adaptive_max_pool2d(-pattern, side)
    return torch.where(highest >= -lowest, highest, lowest)


def visible_max_pool(visible: Bool[Tensor, "batch query key"], size: int) -> Bool[Tensor, "batch small small"]:
    """True where a block of signed_max_pool holds at least one visible cell."""
    return adaptive_max_pool2d(visible.float(), min(size, visible.shape[-1])) > 0
