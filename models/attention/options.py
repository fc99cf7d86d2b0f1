"""Options of a variant by name: numbers, words, truth values, tensors, or None where something else decides."""

from collections.abc import Mapping
from typing import Any

Options = Mapping[str, Any]


def check_flags(variant: str, options: Options, *flags: str) -> None:
    """Refuse anything but true and false in the place of these options."""
    for name in flags:
        if not isinstance(options[name], bool):
            raise ValueError(f"{variant}: {name} is true or false, got {options[name]!r}")
