"""What Triton computes here, and in which blocks: by the work, the width of heads, and the memory of the device."""

import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Literal, cast

import torch
from torch import Tensor

from headscope.models.attention.fused.element import Element

Work = Literal["output", "query gradients", "key gradients"]
WIDEST, LEAST_CAPABILITY, HIGHEST_POWER = 256, (8, 0), 4
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class BlockShape:
    """Rows and keys of a block, and the warps and stages that it is computed with."""

    rows: int
    keys: int
    warps: int
    stages: int

    @property
    def launch(self) -> dict[str, int]:
        """What a kernel is launched with."""
        return {"num_warps": self.warps, "num_stages": self.stages}

    def shared_bytes(self, work: Work, width: int, itemsize: int) -> int:
        """What a group of threads holds at one time: its own rows (keys), and the stages of what it goes through."""
        own, other = (self.keys, self.rows) if work == "key gradients" else (self.rows, self.keys)
        return (own + self.stages * other) * width * itemsize


SHAPES: dict[Work, tuple[BlockShape, ...]] = {
    "output": (BlockShape(128, 128, 8, 2), BlockShape(128, 64, 8, 2), BlockShape(64, 32, 4, 2)),
    "query gradients": (BlockShape(128, 64, 8, 2), BlockShape(64, 32, 4, 2), BlockShape(32, 32, 4, 1)),
    "key gradients": (BlockShape(64, 128, 8, 2), BlockShape(32, 64, 4, 2), BlockShape(32, 32, 4, 1)),
}
FEW = BlockShape(16, 32, 4, 1)  # in the interpreter: many blocks of a short prompt


def block_shape(q: Tensor, v: Tensor, work: Work) -> BlockShape:
    """The largest that the device has room for."""
    if is_interpreted():
        return FEW
    room = cast(Any, torch.cuda).get_device_properties(q.device).shared_memory_per_block_optin
    width, itemsize = q.shape[-1] + v.shape[-1], 4 if q.dtype == torch.float32 else 2
    fits = (s for s in SHAPES[work] if s.shared_bytes(work, width, itemsize) <= room)
    return next(fits, SHAPES[work][-1])


def is_interpreted() -> bool:
    """Whether Triton was asked to compute on the CPU, step by step."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@cache
def has_triton() -> bool:
    """Whether Triton is installed."""
    return find_spec("triton") is not None


@cache
def is_able(device: torch.device) -> bool:
    """Whether Triton computes on a device."""
    if not has_triton():
        return False
    return is_interpreted() or (device.type == "cuda" and torch.cuda.get_device_capability(device) >= LEAST_CAPABILITY)


def runs_in_triton(element: Element | None, q: Tensor, v: Tensor) -> bool:
    """Whether a call does: an element of a low power, heads that a block holds, numbers of 32 bits or fewer."""
    if element is None or element.power > HIGHEST_POWER or torch.compiler.is_compiling():
        return False
    return q.dtype in DTYPES and max(q.shape[-1], v.shape[-1]) <= WIDEST and is_able(q.device)
