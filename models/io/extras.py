"""Libraries of extras: what some of headscope needs is imported there, and named with its extra where it is missing."""

from importlib import import_module
from typing import Any


def extra_library(module: str, task: str, extra: str) -> Any:
    """The module of an extra. task: what needs it. Raises ValueError where it is not installed."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != package:
            raise
        raise ValueError(
            f"{task} needs {package}, which is not installed: pip install 'headscope[{extra}]'"
        ) from missing
