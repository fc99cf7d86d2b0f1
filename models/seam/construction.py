"""Construction: models are made by one thread at a time, as transformers changes torch for all threads meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from transformers.initialization import no_init_weights

# Two threads inside of such a change at once would put back each other's change, and torch would stay changed.
CONSTRUCTION = RLock()


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Parameters made inside hold anything; no other thread makes a model meanwhile."""
    with CONSTRUCTION, no_init_weights():
        yield
