"""Where a module computes: not where its weights lie, when accelerate keeps them on a disk or another device."""

from collections.abc import Iterator

import torch
from torch import nn


def execution_device(module: nn.Module) -> torch.device:
    """The device that the inputs of a module go to: what accelerate's hooks say, else that of its first parameter."""
    device = next(named_devices(module), None)
    return next(iter(module.parameters())).device if device is None else torch.device(device)


def named_devices(module: nn.Module) -> Iterator[torch.device | str | int]:
    """The execution devices that accelerate's hooks on the module and its parts name, outermost first."""
    for part in module.modules():
        hook = getattr(part, "_hf_hook", None)
        for single in getattr(hook, "hooks", (hook,)):
            if getattr(single, "execution_device", None) is not None:
                yield single.execution_device  # type: ignore[union-attr]


def floating_dtype(module: nn.Module) -> torch.dtype:
    """The number format a module computes in: that of its first floating parameter, quantised ones being none."""
    floating = (parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())
    return next(floating, torch.get_default_dtype())
