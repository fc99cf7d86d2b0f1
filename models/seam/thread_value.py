"""Thread value: something that holds for one thread while a block runs, and that compiled code may ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class ThreadValue(Generic[T]):
    """A ContextVar with a count of the threads that set it.

    The count is a plain number, since torch.compile cannot read a ContextVar: a model that is compiled while nobody
    has set it stays one graph, and is compiled anew when someone does.
    """

    def __init__(self, name: str) -> None:
        self.value: ContextVar[T | None] = ContextVar(name, default=None)
        self.count, self.lock = 0, Lock()

    def get(self) -> T | None:
        """This thread's value, if there is one."""
        return self.value.get() if self.count else None

    @contextmanager
    def set_to(self, value: T) -> Iterator[None]:
        """This thread's value inside; what it was before is back afterwards."""
        token = self.value.set(value)
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)
            self.value.reset(token)

    def put(self, value: T) -> None:
        """This thread's value until `drop`, for what begins and ends in two hooks."""
        self.value.set(value)
        self._add(1)

    def drop(self) -> None:
        """No value again, if there was one."""
        if self.value.get() is not None:
            self.value.set(None)
            self._add(-1)

    def _add(self, change: int) -> None:
        with self.lock:
            self.count += change
