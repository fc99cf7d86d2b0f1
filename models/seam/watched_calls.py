"""Watched calls: what every attention call of a running model was given, told to whoever watches in this thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock

from headscope.models.attention.options import Options
from headscope.models.attention.run import Inputs
from headscope.models.attention.variant import Variant


@dataclass(frozen=True)
class Call:
    """One call of one layer: `run(variant, given, options)` with the scores under a soft cap, if there is one.

    Queries and keys are rotated and normed as the kernel sees them; the query temperature is among the options.
    """

    layer: int
    variant: Variant
    given: Inputs
    options: Options
    soft_cap: float | None


WATCHER: ContextVar[Callable[[Call], None] | None] = ContextVar("WATCHER", default=None)


class Watchers:
    """How many watch, in all threads. A plain number, since torch.compile cannot read a ContextVar: a model that is
    compiled while nobody watches stays one graph, and is compiled anew when someone does."""

    count = 0
    lock = Lock()

    @classmethod
    def add(cls, change: int) -> None:
        """One more or one less."""
        with cls.lock:
            cls.count += change


@contextmanager
def watched_calls(watch: Callable[[Call], None]) -> Iterator[None]:
    """watch is told of every call that goes through transformers' attention interface, just before it is computed.

    A layer of a hooked model goes there only without its pattern: see headscope.models.hooked.patternless.
    """
    token = WATCHER.set(watch)
    Watchers.add(1)
    try:
        yield
    finally:
        Watchers.add(-1)
        WATCHER.reset(token)


def tell(call: Call) -> None:
    """Tell the one who watches, if anyone does."""
    if Watchers.count and (watch := WATCHER.get()):
        watch(call)
