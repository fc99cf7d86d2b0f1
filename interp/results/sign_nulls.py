"""Sign nulls: what a row sums to where its signs are dealt anew among its cells that are not 0, without dealing any.

Of a row of n such cells, M of them negative, a deal is a sample of M cells without replacement (Cochran 1977, theorems
2.1 and 2.2): a sum over the negative ones has mean (M/n) Σc and variance (M/n)(1 − M/n)(n Σc² − (Σc)²) / (n − 1).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.results.nulls import Null
from headscope.models.attention.fused.scratch import Scratch

LARGE = 4  # cells whose signs are gone through one by one
LAST_DIGITS = 1e-6  # of a share of sums in float32
ROUNDING = 1e-6  # of Σ c²: equal cells differ by as much when they are summed in float32
COLUMNS = 32
ROWS = 128  # of a block that stays in the processor's cache


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a number over all deals."""

    mean: Float[Tensor, "*axes"]
    variance: Float[Tensor, "*axes"]


@dataclass(frozen=True)
class RowSums:
    """What the deals of a row depend on, of c = abs(a) · weight, and Σ a · weight; in float64 but for large.

    cells, negative: how many are not 0, and how many of these below it; signed: ± total where all have one sign;
    large: LARGE of the largest abs(a), 0 where a row has fewer cells, and none where they were not asked for.
    """

    cells: Float[Tensor, "*row 1"]
    negative: Float[Tensor, "*row 1"]
    signed: Float[Tensor, "*row plain_weight"]
    total: Float[Tensor, "*row weight"]
    squares: Float[Tensor, "*row weight"]
    large: Float[Tensor, "*row large"]


def row_sums(
    pattern: Float[Tensor, "head query key"],
    weights: Float[Tensor, "head key weight"] | None = None,
    with_large: bool = False,
) -> RowSums:
    """Those of every row, for each of some weights ≥ 0 of the keys; 1 by default."""
    weights = torch.ones_like(pattern[:, 0, :, None]) if weights is None else weights
    scratch, large = Scratch(), min(LARGE, pattern.shape[-1]) if with_large else 0
    blocks = [
        sums_of_block(head[start : start + ROWS], weight, large, scratch)
        for head, weight in zip(pattern, weights, strict=True)
        for start in range(0, pattern.shape[1], ROWS)
    ]
    result, kinds = torch.cat(blocks).view(*pattern.shape[:2], -1), weights.shape[-1]
    wide, ends = result.double(), [2 + kinds * i for i in range(4)]
    signed, total, squares = (wide[..., start : start + kinds] for start in ends[:3])
    cells = wide[..., 1:2]
    negative = (cells - wide[..., :1]) / 2
    signed = signed.where(negative > 0, total).where(negative < cells, -total)  # which two sums give but for rounding
    return RowSums(cells, negative, signed, total, squares, result[..., ends[3] :])


def sums_of_block(
    rows: Float[Tensor, "query key"], weights: Float[Tensor, "key weight"], n_large: int, scratch: Scratch
) -> Float[Tensor, "query sum"]:
    """Σ sign a, Σ abs(sign a), the sums of a, abs(a) and a² by weight, and large cells; one after the other."""
    seen = max(seen_keys(rows), n_large)
    rows, weights = rows[:, :seen], weights[:seen]
    work = torch.sign(rows, out=scratch.like("work", rows))
    signs, cells = work.sum(-1, keepdim=True), work.abs_().sum(-1, keepdim=True)
    magnitude = torch.abs(rows, out=work)
    total, large = magnitude @ weights, large_cells(magnitude, n_large)
    return torch.cat([signs, cells, rows @ weights, total, magnitude.mul_(magnitude) @ weights.square(), large], -1)


def seen_keys(rows: Float[Tensor, "query key"]) -> int:
    """How many first keys there are after which all rows are 0, as what is causal is after its last query."""
    of_last = rows[-1].nonzero()
    seen = int(of_last[-1]) + 1 if len(of_last) else 0
    rest = rows[:, seen:]
    hidden = not rest.numel() or not any(map(bool, rest.aminmax()))
    return seen if hidden else rows.shape[-1]


def large_cells(magnitude: Float[Tensor, "query key"], count: int) -> Float[Tensor, "query large"]:
    """So many different cells of each row, among its largest: maxima of columns into which a long row is folded."""
    lines = magnitude.shape[-1] // COLUMNS
    maxima = magnitude
    if lines > 1 and count:
        folded = magnitude[:, : lines * COLUMNS].view(-1, lines, COLUMNS).amax(1)
        maxima = torch.cat([folded, magnitude[:, lines * COLUMNS :]], -1)
    return maxima.topk(count, sorted=False).values if count else magnitude[:, :0]


def sum_of_rows(rows: Moments, counted: Bool[Tensor, "*#head query"] | None = None) -> Moments:
    """Σ over the queries, whose deals know nothing of each other; of those counted alone."""
    if counted is None:
        return Moments(rows.mean.sum(-1), rows.variance.sum(-1))
    return Moments(rows.mean.where(counted, 0.0).sum(-1), rows.variance.where(counted, 0.0).sum(-1))


def scaled(moments: Moments, factor: Float[Tensor, "*#axes"]) -> Moments:
    """Those of a number times a factor that no deal changes."""
    return Moments(moments.mean * factor, moments.variance * factor.square())


def null_of_moments(moments: Moments, like: Tensor) -> Null:
    """Mean and standard deviation, in the number format of a tensor."""
    return Null(moments.mean.to(like), moments.variance.sqrt().to(like))


def negative_sum(sums: RowSums) -> Moments:
    """Σ c over the cells that a deal makes negative, exact."""
    return sample_sum(sums.negative, sums.cells, sums.total, sums.squares)


def sample_sum(
    sample: Float[Tensor, "*#row"],
    cells: Float[Tensor, "*#row"],
    total: Float[Tensor, "*#row"],
    squares: Float[Tensor, "*#row"],
) -> Moments:
    """Σ c over so many of the cells, drawn without replacement, of Σ c and Σ c² over all."""
    share = (sample / cells.clamp(min=1)).clamp(0, 1)
    apart = cells * squares - total.square()
    apart = apart.where(apart > ROUNDING * cells * squares, 0.0) / (cells - 1).clamp(min=1)
    return Moments(share * total, share * (1 - share) * apart)


def magnitude_of_sum(sums: RowSums) -> Moments:
    """abs(Σ a) of every row, of sums with weights of 1 and large cells. E (Σ a)² is exact.

    The mean goes through all signs of the large cells, exact for rows of up to LARGE + 1 cells; the sum of the others
    is taken as normal with its exact mean and variance, which moves the mean by less than 1 % of Σ abs(a).
    """
    minus = minus_signs(sums.large.shape[-1]).to(sums.large)
    is_cell = sums.large > 0
    others = sums.cells - is_cell.sum(-1, keepdim=True)
    left = sums.negative - torch.arange(minus.shape[1] + 1, device=minus.device)  # by how many large ones are negative
    chance = (log_choices(others, left) - log_choices(sums.cells, sums.negative)).exp()
    total = sums.total - sums.large.sum(-1, keepdim=True)
    squares = sums.squares - sums.large.square().sum(-1, keepdim=True)
    rest = sample_sum(left, others, total.clamp(min=0), squares.clamp(min=0))
    taken = minus.sum(-1).long()
    mean, deviation, chance = (
        x.to(minus)[..., taken] for x in (total - 2 * rest.mean, 2 * rest.variance.sqrt(), chance)
    )
    mean += sums.large @ (1 - 2 * minus.mT)
    if not bool(is_cell.all()):
        chance *= (~is_cell).to(minus) @ minus.mT == 0
    magnitude = (chance * folded_mean(mean, deviation)).double().sum(-1, keepdim=True).minimum(sums.total)
    whole = negative_sum(sums)
    square = (sums.total - 2 * whole.mean).square() + 4 * whole.variance
    variance = square - magnitude.square()
    return Moments(magnitude, variance.where(variance > LAST_DIGITS * square, 0.0))


def minus_signs(cells: int) -> Int[Tensor, "deal cell"]:
    """All ways to make some of so many cells negative, 1 where it is."""
    return torch.arange(2**cells)[:, None] >> torch.arange(cells) & 1


def log_choices(cells: Float[Tensor, "*#row"], sample: Float[Tensor, "*#row"]) -> Float[Tensor, "*row"]:
    """ln of how many samples of so many cells there are, -inf for none."""
    log_factorial = torch.lgamma(torch.arange(1.0, float(cells.amax()) + 2, dtype=cells.dtype, device=cells.device))
    possible = (sample >= 0) & (sample <= cells)
    chosen = sample.where(possible, 0.0).long()
    rest = (cells - chosen).clamp(min=0).long()
    ways = log_factorial[cells.long()] - log_factorial[chosen] - log_factorial[rest]
    return ways.masked_fill_(~possible, -torch.inf)


def folded_mean(mean: Float[Tensor, "*axes"], deviation: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """E abs(x) of a normal x (Leone et al. 1961); abs(mean) where nothing varies."""
    z = mean / deviation.masked_fill(deviation == 0, 1.0)
    spread = deviation * (2 / torch.pi) ** 0.5 * (-z.square() / 2).exp() + mean * torch.erf(z / 2**0.5)
    return spread.where(deviation > 0, mean.abs())


def mean_share(sums: RowSums, of_rows: Moments, counted: Bool[Tensor, "head query"]) -> Moments:
    """Of a sum of every row, with weights of 1: its share of Σ abs(a), in the mean over the rows counted."""
    shares = scaled(Moments(of_rows.mean[..., 0], of_rows.variance[..., 0]), 1 / sums.total[..., 0])
    return scaled(sum_of_rows(shares, counted), 1 / counted.sum(-1).double())


def rarer(share: Moments) -> Moments:
    """min(x, 1 − x) of a share x that is a sum over rows, and so taken as normal: (1 − abs(1 − 2x)) / 2."""
    balance = folded_mean(1 - 2 * share.mean, 2 * share.variance.sqrt())
    balance = balance.where((1 - balance).abs() > LAST_DIGITS, 1.0)  # all of one sign: nothing is rarer
    square = (1 - 2 * share.mean).square() + 4 * share.variance
    variance = square - balance.square()
    return Moments((1 - balance) / 2, variance.where(variance > LAST_DIGITS, 0.0) / 4)
