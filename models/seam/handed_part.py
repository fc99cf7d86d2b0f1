"""Handed parts: a parameter that an attention module hands its attention by keyword, and the variant that it is of.

gpt-oss and its kin hand a logit of each head for nothing, as s_aux.
"""

import inspect
from dataclasses import dataclass

from torch import nn

from headscope.models.attention.table import VARIANTS


@dataclass(frozen=True)
class HandedPart:
    """The parameter's name in its module, and the option of a variant's kernel that it is."""

    name: str
    variant: str
    option: str


def handed_part(module: nn.Module) -> HandedPart | None:
    """What a module hands on of its own; None where it learns nothing, or more than one such thing."""
    parts = [name for name, parameter in module.named_parameters(recurse=False) if parameter.ndim == 1]
    for variant in VARIANTS.values() if len(parts) == 1 else ():
        for keyword, option in variant.handed.items():
            if hands(module, keyword):
                return HandedPart(parts[0], variant.name, option)
    return None


def hands(module: nn.Module, keyword: str) -> bool:
    """Whether a module's own forward calls anything with this keyword."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    constants = () if code is None else code.co_consts
    return any(keyword in constant for constant in constants if isinstance(constant, tuple))
