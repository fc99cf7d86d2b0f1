"""Attention in one pass by Triton: what it computes in its interpreter, and that what runs on a GPU compiles."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from headscope.models.attention import VARIANTS
from headscope.models.attention.fused import block_shapes
from headscope.models.attention.fused.block_shapes import SHAPES, has_triton, runs_in_triton

TESTS = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux alone")
CLOSE = 2e-6


def output_of(program: str, *words: str, **environment: str) -> str:
    """What a program of the tests prints."""
    command = [sys.executable, str(TESTS / program), *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=600
    ).stdout


@pytest.fixture(scope="module")
def interpreted() -> dict[str, dict[str, dict[str, list[float]]]]:
    return json.loads(output_of("triton_cases.py", TRITON_INTERPRET="1"))


def test_one_pass_equals_the_plain_form_and_the_strips_in_value_and_gradient(interpreted: dict) -> None:
    assert len(interpreted["exact"]) > 15
    far = {case: of for case, of in interpreted["exact"].items() if max(of["plain"] + of["strips"]) > CLOSE}
    assert far == {}


def test_half_precision_in_one_pass_errs_no_more_than_a_half_softmax(interpreted: dict) -> None:
    assert {case: ratio for case, ratio in interpreted["half"].items() if ratio > 1} == {}


def test_triton_is_installed_and_a_processor_computes_without_it() -> None:
    assert has_triton() and not block_shapes.is_interpreted()
    q = torch.randn(1, 2, 4, 8)
    assert not any(runs_in_triton(row.element({"power": 3}), q, q) for row in VARIANTS.values())


def test_every_shape_of_blocks_fits_the_device_or_is_the_smallest() -> None:
    for work, shapes in SHAPES.items():
        sizes = [shape.shared_bytes(work, 128, 2) for shape in shapes]
        assert sizes == sorted(sizes, reverse=True) and sizes[-1] <= 64 * 1024


@pytest.mark.parametrize("capability", [80, 90])
def test_what_runs_on_a_gpu_compiles(capability: int, tmp_path: Path) -> None:
    printed = output_of("triton_compilation.py", str(capability), TRITON_CACHE_DIR=str(tmp_path))
    assert printed.split() == ["write_output", "write_query_gradients", "write_key_gradients"]


def test_a_gradient_of_a_gradient_is_refused_in_one_pass_too() -> None:
    program = (
        "import torch; from headscope.models.attention import attend;"
        "q, k, v = (torch.randn(1, 1, 4, 8, requires_grad=True) for _ in range(3));"
        "torch.autograd.grad(attend('cog', q, k, v, need_pattern=False).output.sum(), q, create_graph=True)"
    )
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert "first derivatives only; ask with need_pattern=True" in ended.stderr
