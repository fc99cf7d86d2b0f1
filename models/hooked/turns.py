"""One thread at a time runs a hooked model: hooks, and what a pass leaves on its modules, are state of the model."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import Any

from transformer_lens.model_bridge import TransformerBridge

PATIENCE_S = 60.0


class Turns:
    """Whose turn it is with one model; a thread that has it may take it again, and a copy has turns of its own."""

    def __init__(self) -> None:
        self._lock = RLock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and keep it until the end; a long wait is told of, as it may never end."""
        if not self._lock.acquire(timeout=PATIENCE_S):
            warnings.warn(
                f"this thread has waited {PATIENCE_S:g} s for another one that runs the same hooked model; inside "
                "`with model.hooks(...)` do not wait for threads that run it too",
                stacklevel=2,
            )
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Turns, ()


def serialised_method(method: str) -> Callable[..., Any]:
    """transformer-lens's method of this name, run while no other thread runs the model."""
    inherited = getattr(TransformerBridge, method)

    @wraps(inherited)
    def alone(bridge: Any, *args: object, **kwargs: object) -> object:
        with bridge.turns.taken():
            return inherited(bridge, *args, **kwargs)

    return alone
