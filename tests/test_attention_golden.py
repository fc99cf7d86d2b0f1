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


Formula = Callable[[list[Decimal]], list[Decimal]]


class Golden(NamedTuple):
    """A variant with options, and the weights of one row by its paper's formula: of its scores, nearest key last."""

    variant: str
    options: dict[str, Any]
    formula: Formula


def with_sink(bias: float) -> Formula:
    """e^p / (Σ e^p + e^b)."""
    return lambda p: [x.exp() / (sum(y.exp() for y in p) + Decimal(bias).exp()) for x in p]


def sigmoid(p: Decimal) -> Decimal:
    return 1 / (1 + (-p).exp())


def sigmoid_of_row(p: list[Decimal]) -> list[Decimal]:
    """σ(p − ln n)."""
    return [sigmoid(x - Decimal(len(p)).ln()) for x in p]


def softpick(p: list[Decimal]) -> list[Decimal]:
    """relu(e^p − 1) / Σ |e^p − 1|."""
    total = sum(abs(x.exp() - 1) for x in p)
    return [max(x.exp() - 1, Decimal(0)) / (total or 1) for x in p]


def relu(power: int, alpha: str) -> Formula:
    """relu(p)^power / n^alpha."""
    return lambda p: [max(x, Decimal(0)) ** power / Decimal(len(p)) ** Decimal(alpha) for x in p]


def entmax(power: int) -> Formula:
    """[(α−1) p − τ]₊^power with 1/(α−1) = power, τ halved to fifty digits."""

    def weights(p: list[Decimal]) -> list[Decimal]:
        x = [(y - max(p)) / power for y in p]
        low, width = Decimal(-1), Decimal(1)
        for _ in range(170):
            width /= 2
            if sum(max(y - low - width, Decimal(0)) ** power for y in x) >= 1:
                low += width
        return [max(y - low, Decimal(0)) ** power for y in x]

    return weights


def softmax(p: list[Decimal], tau: Decimal) -> list[Decimal]:
    return [(tau * x).exp() / sum((tau * y).exp() for y in p) for x in p]


def scalable(p: list[Decimal]) -> list[Decimal]:
    """softmax(0.43 ln n · p)."""
    return softmax(p, Decimal("0.43") * Decimal(len(p)).ln())


def llama4(p: list[Decimal]) -> list[Decimal]:
    """softmax of (1 + 0.1 ln(⌊n / 2⌋ + 1)) p."""
    return softmax(p, 1 + Decimal("0.1") * Decimal(len(p) // 2 + 1).ln())


def stick(own: bool) -> Formula:
    """σ(p_s) Π (1 − σ(p_r)) over the keys r nearer than s; the last is the query itself."""

    def weights(p: list[Decimal]) -> list[Decimal]:
        shares, rest = [Decimal(0)] * (not own), Decimal(1)
        for x in reversed(p if own else p[:-1]):
            shares.append(sigmoid(x) * rest)
            rest *= sigmoid(-x)
        return shares[::-1]

    return weights


GOLDEN = {
    "sink off by one": Golden("sink", {}, with_sink(0.0)),
    "sink below": Golden("sink", {"bias": -3.5}, with_sink(-3.5)),
    "sink above every float": Golden("sink", {"bias": 2.5e4}, with_sink(2.5e4)),
    "sigmoid": Golden("sigmoid", {}, sigmoid_of_row),
    "sigmoid unbiased": Golden("sigmoid", {"bias": 0.0}, lambda p: list(map(sigmoid, p))),
    "softpick": Golden("softpick", {}, softpick),
    "relu": Golden("relu", {}, relu(1, "1")),
    "relu squared, by a root": Golden("relu", {"power": 2, "alpha": 0.5}, relu(2, "0.5")),
    "entmax": Golden("entmax", {}, entmax(2)),
    "sparsemax": Golden("entmax", {"alpha": 2.0}, entmax(1)),
    "entmax 1.25": Golden("entmax", {"alpha": 1.25}, entmax(4)),
    "scalable": Golden("scalable", {}, scalable),
    "llama4": Golden("scalable", {"law": "llama4", "floor": 2}, llama4),
    "stick_breaking": Golden("stick_breaking", {}, stick(own=False)),
    "stick_breaking own": Golden("stick_breaking", {"own": True}, stick(own=True)),
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
