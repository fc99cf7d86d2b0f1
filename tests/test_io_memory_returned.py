"""Memory that is let go within an analysis comes back to the system."""

import ctypes
import subprocess
import sys

import pytest
import torch

from headscope.models.io.memory import freed_at_once

# MiB that come back of 400 in tensors of 4, between small ones that are held: within it, and after it. In a process of
# its own, whose memory has no holes.
LET_GO = """
import psutil, torch
from headscope.models.io.memory import freed_at_once
MIB, held = 2**20, []

def let_go():
    pairs = [(torch.ones(MIB), torch.ones(16)) for _ in range(100)]
    held.extend(small for _, small in pairs)
    before = psutil.Process().memory_info().rss
    del pairs
    return (before - psutil.Process().memory_info().rss) // MIB

with freed_at_once():
    within = let_go()
print(within, let_go())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc"
)
def test_what_is_let_go_between_what_is_held_comes_back_within_it_and_not_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", LET_GO], capture_output=True, text=True, check=True)
    within, after = map(int, done.stdout.split())
    assert within > 300
    assert after < 100


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: None)
    with freed_at_once():
        assert torch.ones(3).sum() == 3
