"""Handed parts: parameters that an attention module hands its attention by keyword, and the variant that they are of.

gpt-oss and its kin hand a logit of each head for nothing, as s_aux; DiffLlama is led to hand its λ.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from headscope.models.attention.table import VARIANTS
from headscope.models.seam.own_attention import OWN


@dataclass(frozen=True)
class HandedPart:
    """The parameters' names in their module, the option of a variant's kernel that comes of them, and how it does."""

    names: tuple[str, ...]
    variant: str
    option: str
    value: Callable[[nn.Module], Tensor]


def handed_part(module: nn.Module) -> HandedPart | None:
    """What a module hands on of its own; None where it learns nothing, or more than one such thing."""
    if (own := OWN.get(type(module).__name__)) is not None and own.hands is not None:
        variant, option = variant_handed(own.hands.keyword)
        return HandedPart(own.hands.names, variant, option, own.hands.value)
    parts = [name for name, parameter in module.named_parameters(recurse=False) if parameter.ndim == 1]
    keywords = [keyword for variant in VARIANTS.values() for keyword in variant.handed]
    handed = [keyword for keyword in keywords if hands(module, keyword)] if len(parts) == 1 else []
    return HandedPart((parts[0],), *variant_handed(handed[0]), partial(parameter_of, parts[0])) if handed else None


def variant_handed(keyword: str) -> tuple[str, str]:
    """The variant that takes a keyword of a call, and the option that it is."""
    return next((row.name, row.handed[keyword]) for row in VARIANTS.values() if keyword in row.handed)


def parameter_of(name: str, module: nn.Module) -> Tensor:
    """A parameter as it is now."""
    return module.get_parameter(name)


def hands(module: nn.Module, keyword: str) -> bool:
    """Whether a module's own forward calls anything with this keyword."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    constants = () if code is None else code.co_consts
    return any(keyword in constant for constant in constants if isinstance(constant, tuple))
