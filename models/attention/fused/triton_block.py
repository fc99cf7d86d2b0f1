"""Blocks of scores in Triton: what is loaded, which cells are hidden, and what is scored."""

from typing import NamedTuple

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
LOWEST = tl.constexpr(-1e38)


class Sizes(NamedTuple):
    """Of one call: query heads, query heads that share a key head, queries and keys; factor and bound of the scores."""

    n_heads: int
    group: int
    n_query: int
    n_key: int
    scale: float
    soft_cap: float


class Form(NamedTuple):
    """What one compilation of a kernel is for: which element and cells, the widths of heads and of their blocks (powers
    of two), the rows and keys of a block, how factors multiply."""

    is_exponential: bool
    is_signed: bool
    is_normalised: bool
    power: int
    is_causal: bool
    is_masked: bool
    is_capped: bool
    d_head: int
    d_value: int
    head: int
    value_head: int
    rows: int
    keys: int
    operand: tl.dtype
    precision: str


@triton.jit
def loaded_rows(
    base: tl.tensor, rows: tl.tensor, strides: tl.tuple, n_rows: tl.tensor, columns: tl.tensor, WIDTH: tl.constexpr
) -> tl.tensor:
    """Rows of a tensor [pos, d], zeros beyond its ends."""
    places = base + rows[:, None] * strides[2] + columns[None, :] * strides[3]
    return tl.load(places, mask=(rows[:, None] < n_rows) & (columns[None, :] < WIDTH), other=0.0)


@triton.jit
def store_rows(
    base: tl.tensor,
    rows: tl.tensor,
    strides: tl.tuple,
    n_rows: tl.tensor,
    columns: tl.tensor,
    WIDTH: tl.constexpr,
    values: tl.tensor,
) -> None:
    """Write rows of a tensor [pos, d] whose numbers of a row lie side by side, in its own dtype, within its ends."""
    places = base + rows[:, None] * strides[2] + columns[None, :]
    within = (rows[:, None] < n_rows) & (columns[None, :] < WIDTH)
    tl.store(places, values.to(base.dtype.element_ty), mask=within)


@triton.jit
def head_of(base: tl.tensor, strides: tl.tuple, entry: tl.tensor, head: tl.tensor) -> tl.tensor:
    """Where a head of an entry of the batch begins."""
    return base + (entry.to(tl.int64) * strides[0] + head * strides[1])


@triton.jit
def tanh(x: tl.tensor) -> tl.tensor:
    """tanh; near 0 by its series, where the quotient of exponentials would lose digits."""
    square = x * x
    series = x * (1 + square * (-1 / 3 + square * (2 / 15 + square * (-17 / 315 + square * (62 / 2835)))))
    return tl.where(tl.abs(x) < 0.25, series, 1 - 2 / (1 + tl.exp(2 * x)))


@triton.jit
def block_scores(q: tl.tensor, k: tl.tensor, sizes: tl.tuple, FORM: tl.constexpr) -> tl.tensor:
    """scale · q kᵀ, or cap · tanh of it / cap, in float32."""
    factors = q.to(FORM.operand), tl.trans(k).to(FORM.operand)
    scores = tl.dot(factors[0], factors[1], input_precision=FORM.precision) * sizes.scale
    if FORM.is_capped:
        scores = sizes.soft_cap * tanh(scores / sizes.soft_cap)
    return scores


@triton.jit
def seen_cells(
    mask: tl.tensor, mask_strides: tl.tuple, rows: tl.tensor, keys: tl.tensor, sizes: tl.tuple, FORM: tl.constexpr
) -> tl.tensor:
    """Where a query sees a key; the queries are the last ones of the keys."""
    seen = (rows[:, None] < sizes.n_query) & (keys[None, :] < sizes.n_key)
    if FORM.is_causal:
        seen = seen & (keys[None, :] <= rows[:, None] + (sizes.n_key - sizes.n_query))
    if FORM.is_masked:
        places = mask + rows[:, None].to(tl.int64) * mask_strides[2] + keys[None, :] * mask_strides[3]
        seen = seen & (tl.load(places, mask=seen, other=0) != 0)
    return seen


@triton.jit
def signed(height: tl.tensor, scores: tl.tensor, FORM: tl.constexpr) -> tl.tensor:
    """The height with the sign of its score; exactly 0 of a score of exactly 0, NaN of NaN."""
    if FORM.is_signed:
        return tl.where(scores < 0, -height, tl.where(scores == 0, 0.0, height))
    return height


@triton.jit
def rows_end(start: tl.tensor, sizes: tl.tuple, FORM: tl.constexpr) -> tl.tensor:
    """How many first keys a block of rows can see."""
    if FORM.is_causal:
        return tl.minimum(sizes.n_key, start + FORM.rows + sizes.n_key - sizes.n_query)
    return sizes.n_key


@triton.jit
def whole_end(start: tl.tensor, sizes: tl.tuple, FORM: tl.constexpr) -> tl.tensor:
    """How many of them lie in blocks that every row sees whole."""
    if FORM.is_masked:
        return 0
    if FORM.is_causal:
        return tl.minimum(sizes.n_key, start + sizes.n_key - sizes.n_query + 1) // FORM.keys * FORM.keys
    return sizes.n_key // FORM.keys * FORM.keys
