"""Row statistics: what one row of a signed attention pattern says, in four numbers."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.rows.measures import entropy, row_negative_mass, weight_shares


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

    @property
    def nothing(self) -> Float[Tensor, "*batch query"]:
        """1 − Σ a: the share of a row that goes to no token, where its law is a ≥ 0, Σ a ≤ 1."""
        return 1 - self.signed_sum


def row_statistics(pattern: Float[Tensor, "*batch query key"]) -> RowStatistics:
    """The four statistics of every row. Assumes weights of masked keys to be exactly 0, and nothing of sign or sum."""
    magnitude, signed_sum = pattern.abs(), pattern.sum(-1)
    total = magnitude.sum(-1)
    b = weight_shares(magnitude, total)
    return RowStatistics(row_negative_mass(total, signed_sum), signed_sum, entropy(b), first_token_mass=b[..., 0])
