"""Kept results: what was computed for one session is there for all, as long as there is room for it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, TypeVar, final

from torch import Tensor

MOST_BYTES = 1 * 2**30
MOST_KEPT = 64
Value = TypeVar("Value")


@final
class KeptResults:
    """Results by what was asked; the ones that were not asked for longest go when they take too much room.

    Any thread may ask; while one computes, the others get what is there.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most_kept: int = MOST_KEPT) -> None:
        self._most_bytes, self._most_kept = most_bytes, most_kept
        self._results: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._state = Lock()

    def of(self, request: Hashable, compute: Callable[[], Value]) -> Value:
        """The result, computed where it is not there; the newest one is always kept."""
        with self._state:
            if request in self._results:
                self._results.move_to_end(request)
                return self._results[request][0]
        result = compute()
        with self._state:
            self._results[request] = (result, bytes_of(result))
            self._results.move_to_end(request)
            while len(self._results) > 1 and (len(self._results) > self._most_kept or self.bytes > self._most_bytes):
                self._results.popitem(last=False)
        return result

    def __contains__(self, request: Hashable) -> bool:
        return request in self._results

    @property
    def bytes(self) -> int:
        """How much room the tensors take."""
        return sum(size for _, size in self._results.values())


def bytes_of(result: object) -> int:
    """Bytes of the tensors in a record, a mapping or a sequence of them."""
    if isinstance(result, Tensor):
        return result.numel() * result.element_size()
    if is_dataclass(result):
        return sum(bytes_of(getattr(result, field.name)) for field in fields(result))
    if isinstance(result, Mapping):
        return sum(map(bytes_of, result.values()))
    return sum(map(bytes_of, result)) if isinstance(result, list | tuple) else 0
