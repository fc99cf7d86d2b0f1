"""What a query sees, over the table of variants: the future, padding, hidden keys, and rows that see nothing."""

from typing import Any

import pytest
import torch
from attention_cases import CASES, every_case, run, tensors


@every_case
def test_the_future_is_invisible(case: str) -> None:
    q, k, v = tensors(2, 4, 9, 8)
    changed = [x.clone() for x in (q, k, v)]
    for x in changed:
        x[:, :, 6:] = torch.randn_like(x[:, :, 6:])
    torch.testing.assert_close(
        run(case, *changed).output[:, :, :6], run(case, q, k, v).output[:, :, :6], rtol=0, atol=0
    )


@every_case
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_invisible(case: str, side: str) -> None:
    q, k, v = tensors(1, 4, 6, 8)
    junk = [1e3 * torch.randn(1, 4, 3, 8, dtype=torch.float64) for _ in range(3)]
    padded = [torch.cat([j, x] if side == "left" else [x, j], 2) for x, j in zip((q, k, v), junk, strict=True)]
    real = slice(3, 9) if side == "left" else slice(0, 6)
    mask = torch.zeros(9, dtype=torch.bool)
    mask[real] = True
    more: dict[str, Any] = {}
    if CASES[case][0] == "selective":
        tau = (1 + 0.5 * torch.arange(1, 7, dtype=torch.float64).log())[None, None]
        more = {"temperature_q": tau, "temperature_v": tau}
    plain = run(case, q, k, v, **more).output
    if more:
        ones = torch.ones(1, 1, 3, dtype=torch.float64)
        padded_tau = torch.cat([ones, tau] if side == "left" else [tau, ones], -1)
        more = {"temperature_q": padded_tau, "temperature_v": padded_tau}
    torch.testing.assert_close(run(case, *padded, mask=mask, **more).output[:, :, real], plain)


@every_case
def test_the_last_queries_alone_give_the_rows_of_the_full_call(case: str) -> None:
    q, k, v = tensors(2, 4, 9, 8)
    torch.testing.assert_close(run(case, q[:, :, -2:], k, v).output, run(case, q, k, v).output[:, :, -2:])


@every_case
def test_a_row_that_sees_nothing_is_zero_with_a_finite_gradient(case: str) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    got = run(case, q, k, v, mask=mask)
    got.output.square().sum().backward()
    assert got.output[:, :, 2].abs().max() == 0
    assert all(x.grad is not None and x.grad.isfinite().all() for x in (q, k, v))


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_a_row_that_sees_nothing_has_no_nan_on_the_way(case: str, need_pattern: bool) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    with pytest.warns(UserWarning, match="Anomaly Detection"), torch.autograd.detect_anomaly():
        run(case, q, k, v, mask=mask, causal=False, need_pattern=need_pattern).output.square().sum().backward()


@every_case
@pytest.mark.parametrize("need_pattern", [True, False])
def test_a_hidden_key_is_as_if_it_were_not_there_however_low_the_scores(case: str, need_pattern: bool) -> None:
    q, (k, v) = torch.rand(1, 4, 3, 8).double() + 1, torch.rand(2, 1, 4, 6, 8).double() + 1
    mask = torch.tensor([True, False, True, True, False, True])
    more = {"temperature_q": torch.ones(1, 1, 3).double()} if CASES[case][0] == "selective" else {}
    more |= {"causal": False, "scale": -1e5, "need_pattern": need_pattern}
    alone = run(case, q, k[:, :, mask], v[:, :, mask], **more).output
    torch.testing.assert_close(run(case, q, k, v, mask=mask.expand(3, 6), **more).output, alone)


@every_case
def test_masked_weights_are_exactly_zero(case: str) -> None:
    mask = torch.rand(2, 1, 6, 6) > 0.4
    pattern = run(case, *tensors(2, 4, 6, 8), mask=mask, causal=False).pattern
    assert pattern is not None
    assert (pattern[~mask.expand_as(pattern)] == 0).all()
