"""Signed-max pooling: a small picture of a pattern in which a lone strong weight of either sign survives."""

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, pad


def signed_max_pool(pattern: Float[Tensor, "head query key"], size: int) -> Float[Tensor, "head small small"]:
    """The weight of the largest magnitude in each of size × size blocks, with its sign; small patterns stay whole."""
    side = min(size, pattern.shape[-1])
    return signed_max_of_blocks(pattern, (side, side))


def signed_max_pool_of_row(row: Float[Tensor, "key"], size: int) -> Float[Tensor, "small"]:
    """The same of one row, in at most so many blocks."""
    return signed_max_of_blocks(row[None, None], (1, min(size, len(row))))[0, 0]


def signed_max_of_blocks(
    pattern: Float[Tensor, "head row column"], shape: tuple[int, int]
) -> Float[Tensor, "head small_row small_column"]:
    """The weight of the largest magnitude in each of so many blocks down and across."""
    highest = adaptive_max_pool2d(pattern, shape)
    lowest = -adaptive_max_pool2d(-pattern, shape)
    return torch.where(highest >= -lowest, highest, lowest)


def visible_max_pool(visible: Bool[Tensor, "batch query key"], size: int) -> Bool[Tensor, "batch small small"]:
    """True where a block of signed_max_pool holds at least one visible cell."""
    return adaptive_max_pool2d(visible.float(), min(size, visible.shape[-1])) > 0


def block_of(index: int, side: int, count: int) -> range:
    """The cells that a block holds along one axis; blocks that do not come out even share a cell."""
    return range(index * count // side, -(-(index + 1) * count // side))


@final
class StripPool:
    """signed_max_pool of square patterns whose rows come in strips, in memory that the strips take."""

    def __init__(self, heads: int, count: int, size: int) -> None:
        self._side, self._count = min(size, count), count
        self._largest = torch.zeros(2, heads, self._side, self._side)  # of a and of −a, never below 0

    def add(self, first: int, weights: Float[Tensor, "head row key"]) -> None:
        """Rows from `first` on; keys that are left out at the end weigh nothing."""
        rows = range(first, first + weights.shape[1])
        start, end = self._block_at(rows[0]), self._block_at(rows[-1]) + 1
        start -= start > 0 and block_of(start - 1, self._side, self._count).stop > rows[0]
        parts = [
            weights[:, max(block.start - first, 0) : min(block.stop, rows.stop) - first]
            for block in (block_of(at, self._side, self._count) for at in range(start, end))
        ]
        extremes = [torch.stack([part.amax(1), part.amin(1).neg()]) for part in parts]
        wide = pad(torch.stack(extremes, 2), (0, self._count - weights.shape[-1]))
        keys = wide if self._side == self._count else adaptive_max_pool2d(wide, (end - start, self._side))
        places = self._largest[:, :, start:end]
        torch.maximum(places, keys, out=places)

    def pooled(self) -> Float[Tensor, "head small small"]:
        """What was added, as signed_max_pool has it."""
        highest, lowest = self._largest[0], -self._largest[1]
        return torch.where(highest >= -lowest, highest, lowest)

    def _block_at(self, cell: int) -> int:
        """The last block that holds a cell."""
        at = cell * self._side // self._count
        return at + (at + 1 < self._side and block_of(at + 1, self._side, self._count).start <= cell)


def causal_max_pool(count: int, size: int, ahead: int = 0) -> Bool[Tensor, "small small"]:
    """visible_max_pool of rows that see all keys up to their own; ahead: the first row's place less the first key's."""
    side = min(size, count)
    blocks = [block_of(at, side, count) for at in range(side)]
    first, last = (torch.tensor([block[end] for block in blocks]) for end in (0, -1))
    return first <= last[:, None] + ahead
