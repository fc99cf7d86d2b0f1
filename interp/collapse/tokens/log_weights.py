"""Log weights: rows of ln|a| over the keys that a query sees, how far apart they lie, and rows drawn like them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny  # what a weight of 0 counts as


@dataclass(frozen=True)
class LogWeights:
    """ln|a| of a layer's rows; seen says where there is a key, counted which rows see two and have a weight."""

    logs: Float[Tensor, "head query key"]
    seen: Bool[Tensor, "query key"]
    counted: Bool[Tensor, "head query"]

    @property
    def keys(self) -> Int[Tensor, "query"]:
        """How many each query sees."""
        return self.seen.sum(-1)

    @property
    def spread(self) -> Float[Tensor, "head query"]:
        """The largest less the smallest of each row."""
        return row_spread(self.logs, self.seen)

    @property
    def largest_share(self) -> Float[Tensor, "head query"]:
        """max |a| / Σ|a| of each row."""
        return self.logs.where(self.seen, -torch.inf).softmax(-1).amax(-1)

    @property
    def head_spread(self) -> Float[Tensor, "head"]:
        """The largest spread of a row that counts; NaN where none does."""
        return largest_counted(self.spread, self.counted)

    def drawn(self, dice: torch.Generator) -> "LogWeights":
        """Gaussian rows with the mean and the standard deviation that each has."""
        n, noise = self.keys.clamp(min=1)[:, None], torch.randn(self.logs.shape, generator=dice)
        mean = self.logs.where(self.seen, 0).sum(-1, keepdim=True) / n
        deviation = ((self.logs - mean).where(self.seen, 0).square().sum(-1, keepdim=True) / n).sqrt()
        return LogWeights(mean + deviation * noise, self.seen, self.counted)


def log_weights(pattern: Float[Tensor, "head query key"], seen: Bool[Tensor, "query key"]) -> LogWeights:
    """Those of a layer of signed weights."""
    size = pattern.abs()
    counted = (size.sum(-1) > 0) & (seen.sum(-1) >= 2)
    return LogWeights(size.clamp(min=TINY).log(), seen, counted)


def row_spread(
    values: Float[Tensor, "head query key"], seen: Bool[Tensor, "*#head query key"]
) -> Float[Tensor, "head query"]:
    """The largest less the smallest of what each query sees."""
    return values.where(seen, -torch.inf).amax(-1) - values.where(seen, torch.inf).amin(-1)


def largest_counted(values: Float[Tensor, "head query"], counted: Bool[Tensor, "head query"]) -> Float[Tensor, "head"]:
    """The largest of the rows that count; NaN where none does."""
    return values.where(counted, -torch.inf).amax(-1).where(counted.any(-1), torch.nan)


def share_bound(spread: Float[Tensor, "head #row"], keys: Int[Tensor, "row"]) -> Float[Tensor, "head row"]:
    """e^Δ/(e^Δ + n − 1): what the largest share of n keys cannot pass; it is reached where all others are equal."""
    return 1 / (1 + (keys - 1) * (-spread).exp())
