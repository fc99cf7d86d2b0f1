"""The gradients of attention in Triton: every block of scores is computed again, once for queries and once for keys."""

import triton
import triton.language as tl

from headscope.models.attention.fused.triton_block import (
    LOG2_E,
    block_scores,
    head_of,
    loaded_rows,
    rows_end,
    seen_cells,
    signed,
    store_rows,
)


@triton.jit
def block_gradients(
    factors: tl.tuple,
    kept: tl.tuple,
    seen: tl.tensor,
    sizes: tl.tuple,
    VALUE: tl.constexpr,
    SLOPE: tl.constexpr,
    FORM: tl.constexpr,
) -> tl.tuple:
    """The weights of a block, and ∂L/∂(q·k): h' / Σ h (σ ∂L/∂a − δ), exactly 0 where hidden."""
    q, k, v, grad = factors
    scores = block_scores(q, k, sizes, FORM)
    height, slope = VALUE(scores, FORM.power), SLOPE(scores, FORM.power)
    if FORM.is_exponential:
        height = tl.exp2(tl.where(seen, height - kept[0][:, None], float("-inf")) * LOG2_E)
        slope = slope * height
    elif FORM.is_normalised:
        height, slope = height / kept[0][:, None], slope / kept[0][:, None]
    weight = tl.where(seen, signed(height, scores, FORM), 0.0)
    values = tl.trans(v).to(FORM.operand)
    grad_weight = tl.dot(grad.to(FORM.operand), values, input_precision=FORM.precision)
    grad_scores = slope * (signed(grad_weight, scores, FORM) - kept[1][:, None])
    if FORM.is_capped:
        bend = scores / sizes.soft_cap
        grad_scores = grad_scores * (1 - bend * bend)
    return weight, tl.where(seen, grad_scores, 0.0) * sizes.scale


@triton.jit
def write_query_gradients(
    tensors: tl.tuple,
    strides: tl.tuple,
    kept: tl.tuple,
    GRAD_Q: tl.tensor,
    sizes: tl.tuple,
    VALUE: tl.constexpr,
    SLOPE: tl.constexpr,
    FORM: tl.constexpr,
) -> None:
    """∂L/∂q of a block of rows of one head, and δ = Σ output ∂L/∂output of its rows, added to what is there of it."""
    ROWS: tl.constexpr = FORM.rows
    WIDTH: tl.constexpr = FORM.head
    Q, K, V, MASK, GRAD, OUTPUT = tensors
    start = (tl.num_programs(0) - 1 - tl.program_id(0)) * FORM.rows
    entry, head = tl.program_id(1) // sizes.n_heads, tl.program_id(1) % sizes.n_heads
    rows, heads, values = start + tl.arange(0, FORM.rows), tl.arange(0, FORM.head), tl.arange(0, FORM.value_head)
    q = loaded_rows(head_of(Q, strides[0], entry, head), rows, strides[0], sizes.n_query, heads, FORM.d_head)
    grad = loaded_rows(head_of(GRAD, strides[4], entry, head), rows, strides[4], sizes.n_query, values, FORM.d_value)
    output = loaded_rows(
        head_of(OUTPUT, strides[5], entry, head), rows, strides[5], sizes.n_query, values, FORM.d_value
    )
    places = tl.program_id(1) * sizes.n_query + rows
    inside = rows < sizes.n_query
    delta = tl.zeros([ROWS], tl.float32)
    if FORM.is_normalised:
        delta = tl.load(kept[1] + places, mask=inside, other=0.0)
        delta += tl.sum(grad.to(tl.float32) * output.to(tl.float32), 1)
    tl.store(kept[1] + places, delta, mask=inside)
    row_kept = tl.load(kept[0] + places, mask=inside, other=1.0), delta
    key_base = head_of(K, strides[1], entry, head // sizes.group)
    value_base = head_of(V, strides[2], entry, head // sizes.group)
    mask_base = head_of(MASK, strides[3], entry, head)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for first in range(0, rows_end(start, sizes, FORM), FORM.keys):
        keys = first + tl.arange(0, FORM.keys)
        k = loaded_rows(key_base, keys, strides[1], sizes.n_key, heads, FORM.d_head)
        v = loaded_rows(value_base, keys, strides[2], sizes.n_key, values, FORM.d_value)
        seen = seen_cells(mask_base, strides[3], rows, keys, sizes, FORM)
        _, grad_scores = block_gradients((q, k, v, grad), row_kept, seen, sizes, VALUE, SLOPE, FORM)
        sums = tl.dot(grad_scores.to(FORM.operand), k.to(FORM.operand), sums, input_precision=FORM.precision)
    store_rows(head_of(GRAD_Q, strides[6], entry, head), rows, strides[6], sizes.n_query, heads, FORM.d_head, sums)


@triton.jit
def write_key_gradients(
    tensors: tl.tuple,
    strides: tl.tuple,
    kept: tl.tuple,
    GRAD_K: tl.tensor,
    GRAD_V: tl.tensor,
    sizes: tl.tuple,
    VALUE: tl.constexpr,
    SLOPE: tl.constexpr,
    FORM: tl.constexpr,
) -> None:
    """∂L/∂k and ∂L/∂v of a block of keys of one head, over all query heads that share it."""
    KEYS: tl.constexpr = FORM.keys
    WIDTH: tl.constexpr = FORM.head
    VALUE_WIDTH: tl.constexpr = FORM.value_head
    Q, K, V, MASK, GRAD, _ = tensors
    start = tl.program_id(0) * FORM.keys
    n_shared = sizes.n_heads // sizes.group
    entry, key_head = tl.program_id(1) // n_shared, tl.program_id(1) % n_shared
    keys, heads, values = start + tl.arange(0, FORM.keys), tl.arange(0, FORM.head), tl.arange(0, FORM.value_head)
    k = loaded_rows(head_of(K, strides[1], entry, key_head), keys, strides[1], sizes.n_key, heads, FORM.d_head)
    v = loaded_rows(head_of(V, strides[2], entry, key_head), keys, strides[2], sizes.n_key, values, FORM.d_value)
    grad_k = tl.zeros([KEYS, WIDTH], tl.float32)
    grad_v = tl.zeros([KEYS, VALUE_WIDTH], tl.float32)
    begin = 0
    if FORM.is_causal:
        begin = tl.maximum(start - (sizes.n_key - sizes.n_query), 0) // FORM.rows * FORM.rows
    for head in range(key_head * sizes.group, (key_head + 1) * sizes.group):
        q_base, grad_base = head_of(Q, strides[0], entry, head), head_of(GRAD, strides[4], entry, head)
        mask_base = head_of(MASK, strides[3], entry, head)
        for first in range(begin, sizes.n_query, FORM.rows):
            rows = first + tl.arange(0, FORM.rows)
            q = loaded_rows(q_base, rows, strides[0], sizes.n_query, heads, FORM.d_head)
            grad = loaded_rows(grad_base, rows, strides[4], sizes.n_query, values, FORM.d_value)
            places, inside = (entry * sizes.n_heads + head) * sizes.n_query + rows, rows < sizes.n_query
            row_kept = (
                tl.load(kept[0] + places, mask=inside, other=1.0),
                tl.load(kept[1] + places, mask=inside, other=0.0),
            )
            seen = seen_cells(mask_base, strides[3], rows, keys, sizes, FORM)
            weight, grad_scores = block_gradients((q, k, v, grad), row_kept, seen, sizes, VALUE, SLOPE, FORM)
            turned = tl.trans(weight.to(FORM.operand)), tl.trans(grad_scores.to(FORM.operand))
            grad_v = tl.dot(turned[0], grad.to(FORM.operand), grad_v, input_precision=FORM.precision)
            grad_k = tl.dot(turned[1], q.to(FORM.operand), grad_k, input_precision=FORM.precision)
    own = head_of(GRAD_K, strides[7], entry, key_head), head_of(GRAD_V, strides[8], entry, key_head)
    store_rows(own[0], keys, strides[7], sizes.n_key, heads, FORM.d_head, grad_k)
    store_rows(own[1], keys, strides[8], sizes.n_key, values, FORM.d_value, grad_v)
