"""Construction: models are made by one thread at a time, as transformers changes torch for all threads meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from torch import nn
from transformers.initialization import no_init_weights

# Two threads inside of such a change at once would put back each other's change, and torch would stay changed; a
# parameter that is put into a module meanwhile, anywhere, would be made empty.
CONSTRUCTION = RLock()


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Parameters made inside hold anything; no other thread makes a model meanwhile."""
    with CONSTRUCTION, no_init_weights():
        yield


@contextmanager
def parameters_without_memory() -> Iterator[None]:
    """Parameters made inside have shapes alone, buffers their numbers; no other thread makes a model meanwhile."""
    register = nn.Module.register_parameter

    def register_without_memory(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        register(self, name, param)
        if param is not None:
            self._parameters[name] = nn.Parameter(param.to("meta"), requires_grad=param.requires_grad)

    with CONSTRUCTION:
        nn.Module.register_parameter = register_without_memory
        try:
            yield
        finally:
            nn.Module.register_parameter = register
