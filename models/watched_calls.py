"""Watched calls: what every attention call of a running model was given, told to whoever watches in this thread."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from models.attention.run import Inputs
from models.attention.variant import Variant


@dataclass(frozen=True)
class Call:
    """One call of one layer: `run(variant, given, options)` with the scores under a soft cap, if there is one.

    Queries and keys are rotated and normed as the kernel sees them; the query temperature is among the options.
    """

    layer: int
    variant: Variant
    given: Inputs
    options: Mapping[str, Any]
    soft_cap: float | None


WATCHER: ContextVar[Callable[[Call], None] | None] = ContextVar("WATCHER", default=None)


@contextmanager
def watching(watch: Callable[[Call], None]) -> Iterator[None]:
    """watch is told of every call that goes through transformers' attention interface, just before it is computed.

    A layer of a hooked model goes there only without its pattern: see models.hooked.patternless.
    """
    token = WATCHER.set(watch)
    try:
        yield
    finally:
        WATCHER.reset(token)


def tell(call: Call) -> None:
    """Tell the one who watches, if anyone does."""
    watch = WATCHER.get()
    if watch is not None:
        watch(call)
