"""The benchmark of a GPU: its plan runs on a processor, and where there is no GPU it says so."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

PROGRAM = Path(__file__).parent.parent / "benchmarks" / "gpu_attention.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux alone")


def ended(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *words]
    return subprocess.run(command, env={**os.environ}, capture_output=True, text=True, timeout=600)


def test_the_plan_of_a_gpu_runs_over_a_few_tokens_in_the_interpreter() -> None:
    rehearsed = ended("--rehearse")
    assert rehearsed.returncode == 0, rehearsed.stderr
    rows = [line for line in rehearsed.stdout.splitlines() if "forward" in line and "│" in line]
    assert len(rows) == 4 and "cog ÷ softmax" in rehearsed.stdout and "bars at 8,192 tokens" in rehearsed.stdout


@pytest.mark.parametrize(
    ("cog", "softmax", "length", "is_past"),
    [(1.2, 1.2, 8192, False), (1.4, 1.4, 8192, True), (1.2, 1.1, 8192, True), (9.0, 1.0, 4096, False)],
)
def test_a_ratio_past_its_bar_is_marked(
    cog: float, softmax: float, length: int, is_past: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    benchmark, measuring = import_module("gpu_attention"), import_module("measuring")
    row = benchmark.row_of({"torch": 1.0, "softmax": softmax, "cog": cog}, "forward", length)
    assert any(measuring.PAST in cell for cell in row) == is_past


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_sentence_says_so() -> None:
    refused = ended()
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.count("\n") == 1 and "torch sees no GPU here" in refused.stderr
