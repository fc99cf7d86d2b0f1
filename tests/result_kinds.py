"""Every kind of result that the project has, by the name of its class."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from headscope import interp
from headscope.interp.results.result import Result


def result_kinds() -> dict[str, type[Result]]:
    """Those that are drawn: all but the abstract ones."""
    for module in walk_packages(interp.__path__, f"{interp.__name__}."):
        import_module(module.name)
    return {kind.__name__: kind for kind in below(Result) if kind.__module__.startswith(interp.__name__)}


def below(kind: type[Result]) -> Iterator[type[Result]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)
