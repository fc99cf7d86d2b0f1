"""Only finite numbers may scale anything: an infinity or a NaN would come out as NaN, far from where it came in."""

import sys
from numbers import Real
from typing import TypeGuard, cast

from torch import Tensor

from headscope.models.attention.options import Options


def is_finite_number(value: object) -> TypeGuard[float]:
    """Whether the value is a number that a float can hold; truth values are none."""
    return not isinstance(value, bool) and isinstance(value, Real) and abs(cast(float, value)) <= sys.float_info.max


def check_scale(name: str, scale: object) -> None:
    """Refuse a factor of the dot product that is no finite number; zero and negative ones are lawful."""
    if not is_finite_number(scale):
        raise ValueError(f"{name}: scale is a finite number, got {scale!r}")


def check_soft_cap(name: str, soft_cap: object) -> None:
    """Refuse a bound of the scores that is no finite number above 0; None bounds nothing."""
    if soft_cap is not None and not (is_finite_number(soft_cap) and soft_cap > 0):
        raise ValueError(f"{name}: the soft cap of the scores is a finite number above 0, got {soft_cap!r}")


def check_entries(name: str, options: Options) -> None:
    """Refuse options whose tensors hold anything but finite numbers; a GPU is not waited for to look at its own."""
    for option, value in options.items():
        if isinstance(value, Tensor) and value.device.type == "cpu" and not value.isfinite().all():
            count = int((~value.isfinite()).sum())
            raise ValueError(
                f"{name}: {option} holds finite numbers alone; {count} of its {value.numel()} entries are not"
            )
