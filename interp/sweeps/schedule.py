"""Schedule: which unit a free worker takes, so that models are opened seldom, and what failed is tried again."""

from collections import Counter, deque
from collections.abc import Iterable

from headscope.interp.sweeps.unit import Checkpoint, Unit

TRIES = 2


class Schedule:
    """The units that are left, by checkpoint in the order in which they were asked for."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.left: dict[Checkpoint, deque[Unit]] = {}
        for unit in units:
            self.left.setdefault(unit.checkpoint, deque()).append(unit)
        self.begun: set[Checkpoint] = set()
        self.tries: Counter[str] = Counter()

    def next_unit(self, held: Checkpoint | None) -> Unit | None:
        """One of the model that the worker holds, else of one that nobody has begun, else of the one with most left."""
        if not self.left:
            return None
        fresh = next((item for item in self.left if item not in self.begun), None)
        longest = max(self.left, key=lambda item: len(self.left[item]))
        chosen = held if held in self.left else fresh or longest
        assert chosen is not None
        unit = self.left[chosen].popleft()
        if not self.left[chosen]:
            del self.left[chosen]
        self.begun.add(chosen)
        self.tries[unit.key] += 1
        return unit

    def takes_back(self, unit: Unit) -> bool:
        """Put a unit that failed at the end of its checkpoint's, unless it has been tried often enough."""
        if self.tries[unit.key] >= TRIES:
            return False
        self.left.setdefault(unit.checkpoint, deque()).append(unit)
        return True
