"""Device: where a model runs when nobody says where, and the refusal of what this machine has not."""

import torch


def best_device() -> str:
    """The GPU where torch sees one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def checked_device(name: str | None) -> str:
    """A device by its name, or the best one. Raises ValueError for what is none, and for one that is not there."""
    if name is None:
        return best_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"unknown device {name!r}; devices are cpu, cuda, cuda:1 or mps") from error
    is_there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if not is_there.get(device.type, lambda: True)():
        raise ValueError(f"device {name!r} was asked for, and torch sees none here: {best_device()} is there")
    return name
