"""The weights of kernels beyond softmax, against their papers' formulas in arithmetic of fifty digits."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import pytest
import torch

from headscope.models.attention import attend

DIGITS = 50
ROWS = [[0.5], [-1.0, 0.25], [2.0, -0.5, 0.0], [-0.3, 1.2, -2.5, 0.7], [3.0, 2.75, 2.875, -9.0, 2.5]]
GAINS = (1.0, 1e-3, 60.0, 1e4)  # of which the last is past every exponential of a float64


class Golden(NamedTuple):
    """A variant with options, and the weights of one row by its paper's formula: of its scores, nearest key last."""

    variant: str
    options: dict[str, Any]
    formula: Callable[[list[Decimal]], list[Decimal]]


def with_sink(bias: float) -> Callable[[list[Decimal]], list[Decimal]]:
    """e^p / (Σ e^p + e^b)."""
    return lambda p: [x.exp() / (sum(y.exp() for y in p) + Decimal(bias).exp()) for x in p]


GOLDEN = {
    "sink off by one": Golden("sink", {}, with_sink(0.0)),
    "sink below": Golden("sink", {"bias": -3.5}, with_sink(-3.5)),
    "sink above every float": Golden("sink", {"bias": 2.5e4}, with_sink(2.5e4)),
}


def weights_by_formula(golden: Golden, gain: float) -> torch.Tensor:
    """Every row of the causal pattern, rounded once, to float64."""
    pattern = torch.zeros(len(ROWS), len(ROWS), dtype=torch.float64)
    with localcontext(prec=DIGITS):
        for query, row in enumerate(ROWS):
            weights = golden.formula([Decimal(p * gain) for p in row])
            pattern[query, : len(row)] = torch.tensor([float(a) for a in weights], dtype=torch.float64)
    return pattern


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("name", GOLDEN)
def test_weights_are_those_of_the_papers_formula(name: str, gain: float) -> None:
    golden, n = GOLDEN[name], len(ROWS)
    scores = torch.full((n, n), 7.0, dtype=torch.float64)  # what is hidden is not 0
    for query, row in enumerate(ROWS):
        scores[query, : len(row)] = torch.tensor(row, dtype=torch.float64) * gain
    eye = torch.eye(n, dtype=torch.float64)[None, None]
    pattern = attend(golden.variant, scores[None, None], eye, eye, scale=1.0, **golden.options).pattern
    torch.testing.assert_close(pattern[0, 0], weights_by_formula(golden, gain), rtol=1e-12, atol=0)
