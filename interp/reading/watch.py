"""Watch: who is told how far a long computation has come."""

from collections.abc import Callable
from itertools import count

Watch = Callable[[int, int], None]
Progress = Callable[[str, int, int], None]  # the stage that is under way, and how far it is


def watch_nothing(done: int, total: int) -> None:
    """Tell nobody."""


def step_counter(watch: Watch, total: int) -> Callable[[], None]:
    """A call to be made after every step: it tells watch how many of all are done."""
    steps = count(1)
    return lambda: watch(next(steps), total)
