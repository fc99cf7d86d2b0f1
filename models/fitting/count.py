"""Count: some parameters of a model among all of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Count:
    """How many parameters are counted, and how many there are with them; tied ones count once."""

    counted: int
    all: int

    @property
    def percent(self) -> float:
        """Those counted among all."""
        return 100 * self.counted / self.all
