"""Row law: what the weights of one query obey, whatever its scores."""

from enum import StrEnum


class RowLaw(StrEnum):
    """The law of a row of weights; rows that see nothing are zeros under each of them."""

    STOCHASTIC = "stochastic"
    SUB_STOCHASTIC = "sub-stochastic"
    L1 = "L1"
    NON_NEGATIVE = "non-negative"
    FREE = "free"

    @property
    def non_negative(self) -> bool:
        """Whether no weight is below 0."""
        return self not in (RowLaw.L1, RowLaw.FREE)

    @property
    def sums_to_one(self) -> bool:
        """Whether Σ a = 1."""
        return self is RowLaw.STOCHASTIC

    @property
    def leaves_mass(self) -> bool:
        """Whether 1 − Σ a is the share of the row that goes to no token."""
        return self is RowLaw.SUB_STOCHASTIC

    @property
    def formula(self) -> str:
        """The law in symbols."""
        return FORMULAS[self]


FORMULAS = {
    RowLaw.STOCHASTIC: "a ≥ 0, Σ a = 1",
    RowLaw.SUB_STOCHASTIC: "a ≥ 0, Σ a ≤ 1",
    RowLaw.L1: "Σ |a| = 1",
    RowLaw.NON_NEGATIVE: "a ≥ 0",
    RowLaw.FREE: "a of either sign, Σ |a| unbounded",
}
