"""The numbers of attention, over the table of variants: finite at any gain, NaN kept, half precision and autocast."""

import pytest
import torch
from attention_cases import every_case, pattern_of, run, tensors
from hypothesis import given, settings
from hypothesis import strategies as st

from headscope.models.attention import VARIANTS


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_nan_in_is_nan_out(case: str, need_pattern: bool) -> None:
    q, k, v = tensors(1, 4, 5, 8, dtype=torch.float32)
    q[0, 0, 3, 0] = torch.nan
    output = run(case, q, k, v, need_pattern=need_pattern).output
    assert output[0, 0, 3].isnan().all() and not output[0, 0, :3].isnan().any()


@every_case
@settings(max_examples=25, deadline=None)
@given(exponent=st.floats(-30, 4), seed=st.integers(0, 9))
def test_weights_are_finite_for_any_gain(case: str, exponent: float, seed: int) -> None:
    gen = torch.Generator().manual_seed(seed)
    assert pattern_of(case, torch.randn(6, 6, generator=gen) * 10.0**exponent).isfinite().all()


@every_case
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("need_pattern", [True, False])
def test_half_precision_errs_no_more_than_a_half_softmax(case: str, dtype: torch.dtype, need_pattern: bool) -> None:
    def error(of: str) -> float:
        more = {"coefficient": 0.05} if of == "polynomial learned" else {}
        exact = run(of, *(x.double() for x in inputs), **more).output
        half = run(of, *(x.to(dtype) for x in inputs), need_pattern=need_pattern, **more).output.double()
        return float((half - exact).norm() / exact.norm())

    inputs = [x.to(dtype).double() for x in tensors(1, 4, 64, 16)]
    assert error(case) <= 2 * error("softmax") + 1e-5


@every_case
def test_patterns_are_float32_at_least_and_outputs_keep_the_dtype(case: str) -> None:
    half = run(case, *tensors(1, 4, 3, 8, dtype=torch.bfloat16))
    double = run(case, *tensors(1, 4, 3, 8))
    assert half.pattern is not None and double.pattern is not None
    assert (half.output.dtype, half.pattern.dtype) == (torch.bfloat16, torch.float32)
    assert (double.output.dtype, double.pattern.dtype) == (torch.float64, torch.float64)


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_autocast_does_not_lower_the_precision(case: str, need_pattern: bool) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 6, 8, dtype=torch.float32))
    exact = run(case, q, k, v, need_pattern=need_pattern)
    with torch.autocast("cpu", torch.bfloat16):
        cast = run(case, q, k, v, need_pattern=need_pattern)
    assert torch.equal(cast.output, exact.output)
    assert cast.scores is None or cast.scores.dtype == torch.float32
    gradients = [torch.autograd.grad(one.output.sum(), (q, k, v)) for one in (cast, exact)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_expressive_gradients_survive_large_scores_in_float32() -> None:
    scores, direction = torch.randn(2, 1, 1, 8, 8).unbind()
    visible = torch.ones(8, 8, dtype=torch.bool)[None, None]
    gradients = []
    for dtype in (torch.float32, torch.float64):
        large = (scores * 1e4).to(dtype).requires_grad_()
        pattern = VARIANTS["expressive"].weigh(large, visible)
        gradients.append(torch.autograd.grad(pattern, large, direction.to(dtype))[0].double())
    assert (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm()
