"""In this process: units measured one after the other, without Ray."""

from collections.abc import Sequence

from headscope.interp.sweeps.measuring import Outcomes, Worker
from headscope.interp.sweeps.schedule import Schedule
from headscope.interp.sweeps.unit import Unit


def outcomes_here(units: Sequence[Unit]) -> Outcomes:
    """Every unit with its outcome, a failure only after it was tried again."""
    schedule, worker = Schedule(units), Worker()
    while (unit := schedule.next_unit(worker.checkpoint)) is not None:
        outcome = worker.outcome(unit)
        if outcome.numbers is not None or not schedule.takes_back(unit):
            yield unit, outcome
