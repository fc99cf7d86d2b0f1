"""Nulls of signs dealt anew, in closed form: the same as all deals of small rows, and as many explicit deals."""

from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.deletion.decision_plane import decision_plane
from headscope.interp.deletion.negative_mass import negative_mass
from headscope.interp.deletion.quadrants import quadrants
from headscope.interp.results.nulls import shuffled_signs
from headscope.interp.results.result import Result
from headscope.interp.results.sign_nulls import LARGE, LAST_DIGITS, Moments, magnitude_of_sum, negative_sum, row_sums

DEALS = 2000


def row(cells: int, negative: int, tail: int) -> Tensor:
    """Weights of any spread, some of them negative, and a cell that is 0."""
    a = torch.rand(cells, dtype=torch.float64) ** tail
    a[:negative] *= -1
    return torch.cat([a, torch.zeros(1, dtype=torch.float64)]) / a.abs().sum()


def all_deals(row: Tensor) -> Tensor:
    """Every way to deal the signs of a row, one a line."""
    places = row.nonzero()[:, 0].tolist()
    deals = []
    for minus in combinations(places, int((row < 0).sum())):
        deals.append(row.abs())
        deals[-1][list(minus)] *= -1
    return torch.stack(deals)


def close(moments: Moments, deals: Tensor, atol: float) -> None:
    assert_close(moments.mean.squeeze(), deals.mean(), atol=atol, rtol=0)
    assert_close(moments.variance.squeeze(), deals.var(correction=0), atol=atol, rtol=0)


@pytest.mark.parametrize("tail", [1, 6])
@pytest.mark.parametrize("cells", [1, 2, 4, 5, 6, 9, 11])
def test_the_moments_of_a_row_are_those_of_all_its_deals(cells: int, tail: int) -> None:
    for negative in range(cells + 1):
        a = row(cells, negative, tail)
        sums, deals = row_sums(a[None, None], with_large=True), all_deals(a)
        close(negative_sum(sums), -deals.clamp(max=0).sum(-1), atol=1e-12)
        is_exact = cells <= LARGE + 1
        close(magnitude_of_sum(sums), deals.sum(-1).abs(), atol=1e-7 if is_exact else 1e-2)


@pytest.mark.parametrize("sign", [1, -1])
def test_rows_of_one_sign_sum_to_their_total_to_the_last_digit(sign: int) -> None:
    sums = row_sums(sign * torch.rand(3, 200, 190).tril())
    assert torch.equal(sums.signed, sign * sums.total)


def test_sums_of_long_rows_are_cut_where_all_keys_are_hidden() -> None:
    pattern, weights = torch.randn(2, 300, 300).tril(), torch.rand(2, 300, 3)
    sums = row_sums(pattern, weights, with_large=True)
    assert_close(sums.total.float(), pattern.abs() @ weights, atol=1e-3, rtol=1e-5)
    assert_close(sums.squares.float(), pattern.square() @ weights.square(), atol=1e-3, rtol=1e-5)
    assert_close(sums.signed.float(), pattern @ weights, atol=1e-3, rtol=1e-5)
    assert torch.equal(sums.cells[..., 0], (pattern != 0).sum(-1).double())
    assert torch.equal(sums.negative[..., 0], (pattern < 0).sum(-1).double())
    assert torch.equal(sums.large.amax(-1).float(), pattern.abs().amax(-1))


def heads(n: int) -> Tensor:
    """Heads of heavy and of even weights, most of them positive, a few keys dominant."""
    even = torch.randn(2, n, n, dtype=torch.float64) + 0.7
    heavy = torch.randn(2, n, n, dtype=torch.float64) ** 5
    heavy[..., :2] *= 30
    return torch.cat([even, heavy]).tril()[None]


def scene(n: int) -> tuple[Tensor, Tensor, Tensor]:
    return heads(n), torch.randn(1, 4, n, dtype=torch.float64), torch.rand(1, n, 1, dtype=torch.float64) + 0.5


def of_mass(pattern: Tensor, ov: Tensor, scale: Tensor) -> Result:
    return negative_mass(pattern, torch.ones(1, *pattern.shape[-2:], dtype=torch.bool).tril())


def dealt_mass(pattern: Tensor, ov: Tensor, scale: Tensor) -> dict[str, Tensor]:
    total = pattern.abs().sum(-1)
    m = (-pattern.clamp(max=0).sum(-1) / total)[..., 1:].mean(-1)
    return {
        "minority_mass": torch.minimum(m, 1 - m),
        "cancellation": (1 - pattern.sum(-1).abs() / total)[..., 1:].mean(-1),
    }


def dealt_quadrants(pattern: Tensor, ov: Tensor, scale: Tensor) -> dict[str, Tensor]:
    C = pattern * ov[:, :, None] / scale[:, None]
    cells = torch.stack([C.where((a * pattern > 0) & (C * a * b > 0), 0).abs() for a in (1, -1) for b in (1, -1)], -1)
    share = cells.sum((2, 3)) / C.abs().sum((2, 3))[..., None]
    return {"share": share, "net_copy": share[..., 0] + share[..., 3]}


def dealt_decisions(pattern: Tensor, ov: Tensor, scale: Tensor) -> dict[str, Tensor]:
    C = (pattern * ov[:, :, None] / scale[:, None]).abs()
    signs = (pattern.sign(), ov.sign()[:, :, None])
    dynamic, static = (1 - ((C * sign).sum((2, 3)) / C.sum((2, 3))).abs() for sign in signs)
    return {"dynamic": dynamic, "static": static}


@pytest.mark.parametrize(
    ("analysis", "plain", "bias"),
    [
        (of_mass, dealt_mass, {"minority_mass": 0.02, "cancellation": 0.005}),
        (quadrants, dealt_quadrants, {"share": 0.0, "net_copy": 0.0}),
        (decision_plane, dealt_decisions, {"dynamic": 0.02, "static": 0.005}),
    ],
)
@pytest.mark.parametrize("n", [3, 24])
def test_nulls_are_the_mean_and_the_spread_of_many_deals(
    analysis: Callable[..., Result], plain: Callable[..., dict[str, Tensor]], bias: dict[str, float], n: int
) -> None:
    pattern, ov, scale = scene(n)
    dice = torch.Generator().manual_seed(3)
    deals = shuffled_signs(pattern.expand(DEALS, -1, -1, -1), dice)
    of_ov = shuffled_signs(ov.expand(DEALS, -1, -1), dice) if analysis is decision_plane else ov
    result = analysis(pattern, ov, scale).tensors()
    for name, values in plain(deals, of_ov, scale).items():
        error = 5 * values.std(0) / DEALS**0.5 + bias[name] + 1e-9
        assert bool(((result[f"{name}_null"][0] - values.mean(0)).abs() <= error).all()), name
        assert_close(result[f"{name}_null_spread"][0], values.std(0), rtol=0.15, atol=2 * bias[name] + 1e-9, msg=name)


def test_nothing_cancels_by_chance_where_no_weight_is_negative() -> None:
    pattern = torch.rand(1, 4, 27, 27).tril()
    result = negative_mass(pattern / pattern.sum(-1, keepdim=True), torch.ones(1, 27, 27).tril().bool())
    null, spread = result.cancellation_null, result.cancellation_null_spread
    assert bool((null >= 0).all()) and float(null.max()) < LAST_DIGITS and float(spread.max()) < LAST_DIGITS
