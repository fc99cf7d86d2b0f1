"""Unloaded libraries: stand-ins for what another library imports and seldom uses, which load it when called."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def unloaded(libraries: Mapping[str, Sequence[str]], absent: Sequence[str] = ()) -> Iterator[None]:
    """While it lasts, `from MODULE import NAME` of those named gives a class that loads the library when it is called.

    libraries: modules, parents first, and what is imported from them. absent: modules that seem not to be installed.
    What is loaded already stays; afterwards an import gives the library itself.
    """
    stand_ins = {name: stand_in(name, names) for name, names in libraries.items() if name not in sys.modules}
    hidden: dict[str, ModuleType | None] = {**stand_ins, **{name: None for name in absent if name not in sys.modules}}
    sys.modules.update(hidden)  # pyright: ignore[reportArgumentType, reportCallIssue]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def stand_in(module: str, names: Sequence[str]) -> ModuleType:
    """A module of classes that stand for the module's own."""
    result = ModuleType(module)
    result.__spec__, result.__path__ = ModuleSpec(module, None, is_package=True), []
    for name in names:
        setattr(result, name, type(name, (), {"__module__": module, "__new__": loading_call(module, name)}))
    return result


def loading_call(module: str, name: str) -> object:
    """What a stand-in does when it is called: the same call of what it stands for."""

    def call(_: type, *arguments: object, **named: object) -> object:
        return getattr(import_module(module), name)(*arguments, **named)

    return call
