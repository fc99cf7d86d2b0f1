"""Head statistics: the row statistics of a head, averaged over the rows that had a choice."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.rows.measures import minority_mass
from headscope.interp.rows.row_statistics import RowStatistics


@dataclass(frozen=True)
class HeadStatistics:
    """Means over rows, one number per head; NaN where no row sees two keys or all such rows are dead.

    minority_mass: min(m, 1 − m) of the mean negative mass m. A head of an odd kernel computes the same function after
    (W_Q, W_V) → (−W_Q, −W_V), which turns m into 1 − m: only the minority mass says something about the function.
    The other fields are those of RowStatistics.
    """

    negative_mass: Float[Tensor, "*head"]
    minority_mass: Float[Tensor, "*head"]
    signed_sum: Float[Tensor, "*head"]
    entropy: Float[Tensor, "*head"]
    first_token_mass: Float[Tensor, "*head"]

    @property
    def nothing(self) -> Float[Tensor, "*head"]:
        """1 − Σ a, as of rows: where their law is a ≥ 0, Σ a ≤ 1."""
        return 1 - self.signed_sum


def head_statistics(rows: RowStatistics, visible_keys: Int[Tensor, "#*head query"]) -> HeadStatistics:
    """Means over the rows with at least two visible keys: a row of one key has no choice."""
    had_a_choice = visible_keys >= 2

    def mean(values: Float[Tensor, "*head query"]) -> Float[Tensor, "*head"]:
        return values.where(had_a_choice, torch.nan).nanmean(-1)

    negative_mass = mean(rows.negative_mass)
    return HeadStatistics(
        negative_mass=negative_mass,
        minority_mass=minority_mass(negative_mass),
        signed_sum=mean(rows.signed_sum),
        entropy=mean(rows.entropy),
        first_token_mass=mean(rows.first_token_mass),
    )
