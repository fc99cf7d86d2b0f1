"""Row statistics: what one row of a signed attention pattern says, in four numbers."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class RowStatistics:
    """One number per row of a pattern; with b = abs(a) / Σ abs(a), a row of zeros has NaN where b is asked for.

    negative_mass: Σ abs(a)·1[a < 0] / Σ abs(a), in [0, 1]; a → −a turns m into 1 − m.
    signed_sum: Σ a; 1 for kernels whose rows sum to one; a → −a flips its sign.
    entropy: −Σ b ln b in nats, in [0, ln n] for n visible keys; unchanged by a → −a.
    first_token_mass: b of key 0, in [0, 1]; unchanged by a → −a.
    """

    negative_mass: Float[Tensor, "*batch query"]
    signed_sum: Float[Tensor, "*batch query"]
    entropy: Float[Tensor, "*batch query"]
    first_token_mass: Float[Tensor, "*batch query"]


def row_statistics(pattern: Float[Tensor, "*batch query key"]) -> RowStatistics:
    """The four statistics of every row. Assumes weights of masked keys to be exactly 0, and nothing of sign or sum."""
    magnitude = pattern.abs()
    total = magnitude.sum(-1)
    share = magnitude / total[..., None]
    return RowStatistics(
        negative_mass=pattern.clamp(max=0).abs().sum(-1) / total,
        signed_sum=pattern.sum(-1),
        entropy=torch.special.entr(share).sum(-1),
        first_token_mass=share[..., 0],
    )
