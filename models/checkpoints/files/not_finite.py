"""Weights that are not finite: which tensors hold NaN or infinity, and in which layers they are."""

import re
from collections.abc import Iterable, Sequence

from torch import Tensor, nn

LAYER = re.compile(r"(?:^|\.)(?:h|layers?|blocks|(?:in|out)_blocks)\.(\d{1,6})\.")
MOST_NAMED = 3
NAN, INFINITY = "NaN", "infinity"


def kind_of_numbers(tensor: Tensor) -> str | None:
    """What a tensor holds that is not finite; None where all of its numbers are."""
    if tensor.sum().isfinite() or tensor.isfinite().all():  # a sum takes a fifth of the time, but may overflow
        return None
    return NAN if tensor.isnan().any() else INFINITY


def not_finite_layers(model: nn.Module) -> tuple[str, ...]:
    """A sentence for every layer with such weights."""
    return not_finite_notes(model.named_parameters())


def not_finite_notes(weights: Iterable[tuple[str, Tensor]]) -> tuple[str, ...]:
    """The same of weights by name."""
    names_of: dict[tuple[str, str], list[str]] = {}
    for name, weight in weights:
        if kind := kind_of_numbers(weight):
            names_of.setdefault((place_of(name), kind), []).append(name)
    return tuple(f"weights {place} hold {kind}: {named(names)}" for (place, kind), names in names_of.items())


def place_of(name: str) -> str:
    """Which layer a parameter is of, in words."""
    layer = LAYER.search(name)
    return f"of layer {layer[1]}" if layer else "outside the layers"


def named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    first, rest = names[:MOST_NAMED], names[MOST_NAMED:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
