"""Blocks of queries × keys that stay in the processor's cache, and which of their cells are hidden."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.fused.scratch import Scratch
from headscope.models.attention.visibility import broadcast_part, visible_keys

BLOCK_ROWS, LONG, LONG_ROWS = 128, 1024, 256  # rows of a block, and of a block of that many queries
BLOCK_KEYS = 512
BLOCK_ELEMENTS = 1 << 18


@dataclass(frozen=True)
class Strip:
    """Some rows of some heads of one entry of the batch, and how many first keys its last row can see."""

    entry: int
    head: slice
    query: slice
    n_key: int

    def rows(self, x: Float[Tensor, "batch head query d"]) -> Float[Tensor, "_ n d"]:
        """Its rows of a tensor."""
        return x[self.entry, self.head, self.query]

    def keys(self, x: Float[Tensor, "batch head key d"]) -> Float[Tensor, "_ key d"]:
        """The keys of its heads."""
        return x[self.entry, self.head]

    def part(self, mask: Bool[Tensor, "..."], key: slice) -> Bool[Tensor, "_ _ _"]:
        """The part of a mask that belongs to its rows and some keys."""
        return broadcast_part(mask, (slice(self.entry, self.entry + 1), self.head, self.query, key))[0]


@dataclass(frozen=True)
class Hidden:
    """The hidden cells of a block: above a diagonal, and those of a mask."""

    diagonal: int | None = None
    mask: Bool[Tensor, "..."] | None = None

    def cleared(self, x: Float[Tensor, "*heads query key"]) -> Float[Tensor, "*heads query key"]:
        """x, in place, with exact zeros there."""
        if self.diagonal is not None:
            x.tril_(self.diagonal)
        return x if self.mask is None else x.masked_fill_(self.mask, 0.0)

    def lowered(self, x: Float[Tensor, "*heads query key"]) -> Float[Tensor, "*heads query key"]:
        """x, in place, with -inf there."""
        if self.diagonal is not None:
            first = max(self.diagonal + 1, 0)  # the keys before it are seen by every row
            future = torch.ones(x.shape[-2], x.shape[-1] - first, dtype=torch.bool, device=x.device)
            x[..., first:].masked_fill_(future.triu_(self.diagonal + 1 - first), -torch.inf)
        return x if self.mask is None else x.masked_fill_(self.mask, -torch.inf)


NOTHING_HIDDEN = Hidden()


@dataclass(frozen=True)
class Blocks:
    """How [batch, head, query] × keys are cut: into strips of rows, and these into blocks of keys, with one scratch."""

    shape: tuple[int, int, int]
    n_key: int
    causal: bool
    mask: Bool[Tensor, "..."] | None
    scratch: Scratch = field(default_factory=Scratch)

    @property
    def size(self) -> tuple[int, int, int]:
        """Heads, rows and keys of a block."""
        rows = min(LONG_ROWS if self.shape[2] >= LONG else BLOCK_ROWS, self.shape[2])
        keys = min(BLOCK_KEYS, self.n_key)
        return max(1, min(self.shape[1], BLOCK_ELEMENTS // (rows * keys))), rows, keys

    def strips(self) -> Iterator[Strip]:
        """Every row once."""
        batch, n_heads, n_query = self.shape
        heads, rows, _ = self.size
        for entry in range(batch):
            for head in range(0, n_heads, heads):
                for query in range(0, n_query, rows):
                    end = min(query + rows, n_query)
                    n_key = end + self.n_key - n_query if self.causal else self.n_key
                    yield Strip(entry, slice(head, min(head + heads, n_heads)), slice(query, end), n_key)

    def of(self, strip: Strip) -> Iterator[tuple[slice, Hidden]]:
        """The keys of each block of a strip in which a row sees something, and what it does not see."""
        keys = self.size[2]
        first = strip.query.start + self.n_key - self.shape[2]
        for start in range(0, strip.n_key, keys):
            key = slice(start, min(start + keys, strip.n_key))
            diagonal = first - start if self.causal and key.stop - 1 > first else None
            mask = None if self.mask is None else strip.part(self.mask, key)
            if mask is not None and not mask.any():
                continue
            if mask is not None and not mask.all():
                yield key, Hidden(diagonal, ~mask)
            else:
                yield key, NOTHING_HIDDEN if diagonal is None else Hidden(diagonal)

    def sees_something(self, strip: Strip) -> Bool[Tensor, "_ _ 1"]:
        """Whether a row of a strip sees any key."""
        n_rows = strip.query.stop - strip.query.start
        mask = None if self.mask is None else strip.part(self.mask, slice(0, strip.n_key))[None]
        device = torch.device("cpu") if mask is None else mask.device
        return visible_keys(mask, self.causal, n_rows, strip.n_key, device)[0].any(-1, keepdim=True)
