"""An experiment: trials, how each is measured, what is claimed of their numbers, and what is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import Verdict
from headscope.interp.results.result import Result
from headscope.models.io.near_names import known_names

Size = TypeVar("Size")  # the numbers of a size, each experiment's own record
Watch = Callable[[str, int, int], None]  # what is being done, steps done, steps in all
LAPTOP, PAPER, REAL = SETTINGS = ("at a size for a laptop", "as the paper did", "on a language model that people use")


@dataclass(frozen=True)
class Experiment(Generic[Size]):
    """One of the papers' claims at three sizes.

    sizes: "smoke", "default" and "full" -> a frozen dataclass of plain numbers. trials: those of a size and a number
    of seeds. measure: trains and measures one trial; called again in the same folder it goes on where it was stopped.
    judge: the claims, by rules that look at nothing but the outcome. results: what is drawn, tabulated and reported.
    notes: what the reader must know: splits, stopping rule, what differs from the paper. version: of the measure; it
    grows where a number of a trial means something else than before. setting: of SETTINGS, how near it is to the paper.
    seeds: how many it is run with, fixed beforehand by how much its numbers spread.
    """

    name: str
    title: str
    source: str
    sizes: Mapping[str, Size]
    trials: Callable[[Size, int], list[Trial]]
    measure: Callable[[Trial, Size, Place, Watch], Numbers]
    judge: Callable[[Outcome], list[Verdict]]
    results: Callable[[Outcome], Mapping[str, Result]]
    notes: str
    version: int = 1
    setting: str = LAPTOP
    seeds: int = 3

    def size(self, name: str) -> Size:
        """The numbers of a size. ValueError with the names there are."""
        if name not in self.sizes:
            raise ValueError(f"{self.name} has no size {name!r}; known: {known_names(name, self.sizes)}")
        return self.sizes[name]
