"""Measures: functions of a model that give the numbers whose trajectory is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.results.gauges import Gauge


@dataclass(frozen=True)
class NamedNumbers:
    """Numbers by name; by_gauge: the names of those that a change of gauge changes."""

    values: Mapping[str, float]
    by_gauge: Mapping[Gauge, tuple[str, ...]]


Measured = float | int | Tensor | np.ndarray | Mapping[str, Any]
Measure = Callable[[HookedModel], Measured | NamedNumbers]


def numbers_by_name(values: Measured) -> dict[str, float]:
    """Every number by name; of an array the name is its index, 3.0 for head 0 of layer 3."""
    if isinstance(values, Mapping):
        parts = dict(values)
    elif (array := torch.as_tensor(values).detach().cpu()).ndim:
        parts = {str(index): item for index, item in enumerate(array)}
    else:
        return {"": float(array)}
    return {
        dotted_name(name, part): number
        for name, item in parts.items()
        for part, number in numbers_by_name(item).items()
    }


def dotted_name(name: str, part: str) -> str:
    """A name and what is within it."""
    return f"{name}.{part}" if part else name
