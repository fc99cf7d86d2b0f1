"""Mixer places: which module of a block mixes tokens by a recurrence that is known, and by which."""

import inspect
from dataclasses import dataclass
from typing import Any

from torch import nn

from headscope.models.mixers.lightning import LIGHTNING, is_lightning
from headscope.models.mixers.readings import READINGS, Reading


@dataclass(frozen=True, eq=False)
class MixerPlace:
    """A module that mixes: its block's number, and how it is read. functions: those of READINGS that it calls."""

    module: nn.Module
    number: int
    reading: Reading
    functions: tuple[str, ...]


def mixer_place(block: nn.Module, number: int) -> MixerPlace | None:
    """The mixer of a block, or None: by the functions that its own forward names, as attention is found."""
    for module in block.modules():
        if is_lightning(module):
            return MixerPlace(module, number, LIGHTNING, ())
        functions = tuple(name for name in called_names(module) if name in READINGS)
        if functions:
            return MixerPlace(module, number, READINGS[functions[0]], functions)
    return None


def called_names(module: nn.Module) -> tuple[str, ...]:
    """The global names that a module's forward uses."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    return () if code is None else code.co_names


def globals_of(module: nn.Module) -> dict[str, Any]:
    """Where a module's forward looks for the functions that it calls."""
    return inspect.unwrap(type(module).forward).__globals__
