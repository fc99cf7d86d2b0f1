"""The output of attention in Triton: one pass over the keys, what is summed being rescaled where a row's peak rises."""

import triton
import triton.language as tl

from headscope.models.attention.fused.triton_block import (
    LOG2_E,
    LOWEST,
    block_scores,
    head_of,
    loaded_rows,
    rows_end,
    seen_cells,
    signed,
    store_rows,
    whole_end,
)


@triton.jit
def summed(
    state: tl.tuple,
    query: tl.tuple,
    bases: tl.tuple,
    strides: tl.tuple,
    sizes: tl.tuple,
    first: tl.tensor,
    VALUE: tl.constexpr,
    FORM: tl.constexpr,
    IS_WHOLE: tl.constexpr,
) -> tl.tuple:
    """Weighted values, Σ h and peak of the rows, with the keys from the first of a block on."""
    sums, total, peak = state
    q, rows = query
    keys = first + tl.arange(0, FORM.keys)
    k = loaded_rows(bases[0], keys, strides[0], sizes.n_key, tl.arange(0, FORM.head), FORM.d_head)
    v = loaded_rows(bases[1], keys, strides[1], sizes.n_key, tl.arange(0, FORM.value_head), FORM.d_value)
    scores = block_scores(q, k, sizes, FORM)
    height = VALUE(scores, FORM.power)
    if not IS_WHOLE:
        seen = seen_cells(bases[2], strides[2], rows, keys, sizes, FORM)
        height = tl.where(seen, height, float("-inf") if FORM.is_exponential else 0.0)
    if FORM.is_exponential:
        raised = tl.maximum(peak, tl.max(height, 1))
        loss = tl.exp2((peak - raised) * LOG2_E)
        height = tl.exp2((height - raised[:, None]) * LOG2_E)
        sums, total, peak = sums * loss[:, None], total * loss, raised
    if FORM.is_normalised:
        total += tl.sum(height, 1)
    weight = signed(height, scores, FORM).to(FORM.operand)
    return tl.dot(weight, v.to(FORM.operand), sums, input_precision=FORM.precision), total, peak


@triton.jit
def write_output(
    tensors: tl.tuple,
    strides: tl.tuple,
    OUTPUT: tl.tensor,
    KEPT: tl.tensor,
    sizes: tl.tuple,
    VALUE: tl.constexpr,
    FORM: tl.constexpr,
) -> None:
    """A block of rows of one head: the output, and what each row keeps for its gradient."""
    ROWS: tl.constexpr = FORM.rows
    WIDTH: tl.constexpr = FORM.value_head
    start = (tl.num_programs(0) - 1 - tl.program_id(0)) * ROWS  # the longest rows first
    entry, head = tl.program_id(1) // sizes.n_heads, tl.program_id(1) % sizes.n_heads
    rows, columns = start + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    q_base = head_of(tensors[0], strides[0], entry, head)
    q = loaded_rows(q_base, rows, strides[0], sizes.n_query, tl.arange(0, FORM.head), FORM.d_head)
    bases = (
        head_of(tensors[1], strides[1], entry, head // sizes.group),
        head_of(tensors[2], strides[2], entry, head // sizes.group),
        head_of(tensors[3], strides[3], entry, head),
    )
    inner = strides[1], strides[2], strides[3]
    state = tl.zeros([ROWS, WIDTH], tl.float32), tl.zeros([ROWS], tl.float32), tl.full([ROWS], LOWEST, tl.float32)
    whole, end = whole_end(start, sizes, FORM), rows_end(start, sizes, FORM)
    for first in range(0, whole, FORM.keys):
        state = summed(state, (q, rows), bases, inner, sizes, first, VALUE, FORM, True)
    for first in range(whole, end, FORM.keys):
        state = summed(state, (q, rows), bases, inner, sizes, first, VALUE, FORM, False)
    sums, total, peak = state
    inside = rows < sizes.n_query
    if FORM.is_normalised:
        is_dead = total == 0
        total = tl.where(is_dead, 1.0, total)
        sums = sums / total[:, None]
        kept = tl.where(is_dead, -LOWEST, peak + tl.log(total)) if FORM.is_exponential else total
        tl.store(KEPT + tl.program_id(1) * sizes.n_query + rows, kept, mask=inside)
    store_rows(head_of(OUTPUT, strides[4], entry, head), rows, strides[4], sizes.n_query, columns, FORM.d_value, sums)
