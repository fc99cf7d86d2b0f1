"""Memory that is let go within an analysis comes back to the system."""

import ctypes
import sys

import psutil
import pytest
import torch
from torch import Tensor

from headscope.models.io.memory import freed_at_once

MIB = 2**20


def let_go(held: list[Tensor]) -> int:
    """Bytes that come back of 400 MiB in tensors of 4, between small ones that are held."""
    process, pairs = psutil.Process(), [(torch.ones(MIB), torch.ones(16)) for _ in range(100)]
    held += [small for _, small in pairs]
    before = process.memory_info().rss
    del pairs
    return before - process.memory_info().rss


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc"
)
def test_what_is_let_go_between_what_is_held_comes_back_within_it_and_not_outside() -> None:
    held: list[Tensor] = []
    with freed_at_once():
        assert let_go(held) > 300 * MIB
    assert let_go(held) < 100 * MIB


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: None)
    with freed_at_once():
        assert torch.ones(3).sum() == 3
