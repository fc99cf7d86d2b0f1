"""Any variant on anybody's tensors: the one functional form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.attention.table import variant_named
from models.attention.variant import Prepared, Variant
from models.attention.visibility import visible_keys


@dataclass(frozen=True)
class Attention:
    """What one attention call computed; scores and pattern are None when they were not asked for.

    output: Σ_s pattern[t, s] · v[s], in the dtype of the queries.
    pattern: the signed weights, float32 at least; masked entries are exactly 0.
    scores: what the kernel was applied to (after scale and query temperature), float32 at least.
    """

    output: Float[Tensor, "batch head query d_value"]
    pattern: Float[Tensor, "batch head query key"] | None
    scores: Float[Tensor, "batch head query key"] | None


def attend(
    variant: str,
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch kv_head key d_head"],
    v: Float[Tensor, "batch kv_head key d_value"],
    *,
    mask: Bool[Tensor, "..."] | None = None,
    causal: bool = True,
    scale: float | None = None,
    need_pattern: bool = True,
    **options: Any,
) -> Attention:
    """Attention of a named variant (definitions and papers in the variant's own file).

    mask: True where a key is visible, broadcastable to [batch, head, query, key]; causal hides the future besides,
    the queries being the last ones of the keys. Keys may have fewer heads than queries (grouped). scale: factor of
    the dot product, 1/√d_head unless the variant has another default (expressive: 1).
    need_pattern=False takes an exact path that keeps no query × key matrix.
    options: selective: temperature_q [batch or 1, head or 1, query], temperature_v [batch or 1, head or 1, key];
    polynomial: power, coefficient (number, tensor or "per_row") or n_ctx.

    Raises ValueError for an unknown variant or option, a mask that is not boolean, and shapes that do not fit.
    """
    row = variant_named(variant)
    check_shapes(q, k, v, mask, causal)
    prepared = _prepare(row, at_least_float32(q), grouped(at_least_float32(v), q.shape[1]), options)
    keys = grouped(at_least_float32(k), q.shape[1])
    factor = row.default_scale(q.shape[-1]) if scale is None else scale
    if need_pattern or needs_gradient(prepared.kernel):
        visible = visible_keys(mask, causal, q.shape[2], k.shape[2], q.device)
        whole = weighted_sum(row, prepared, keys, visible, factor)
        output = whole.output.to(q.dtype)
        return Attention(output, whole.pattern, whole.scores) if need_pattern else Attention(output, None, None)
    output = row.fused(row, prepared.q, keys, prepared.v, mask, factor, causal, prepared.kernel)
    return Attention(output.to(q.dtype), None, None)


def weighted_sum(
    variant: Variant,
    prepared: Prepared,
    k: Float[Tensor, "batch head key d_head"],
    visible: Bool[Tensor, "batch_or_one head_or_one query key"],
    scale: float,
) -> Attention:
    """The plain path: scores, weights, weighted sum of the values."""
    scores = (prepared.q * scale) @ k.mT
    pattern = variant.weigh(scores, visible, **prepared.kernel)
    return Attention(pattern @ prepared.v, pattern, scores)


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """float32 for half precisions; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def grouped(x: Float[Tensor, "batch kv_head pos d"], n_heads: int) -> Float[Tensor, "batch head pos d"]:
    """Each key or value head repeated for the query heads that share it."""
    return x.repeat_interleave(n_heads // x.shape[1], dim=1) if x.shape[1] != n_heads else x


def needs_gradient(kernel: Mapping[str, Any]) -> bool:
    """A learned kernel option needs autograd through the whole pattern."""
    learned = (value for value in kernel.values() if isinstance(value, Tensor))
    return torch.is_grad_enabled() and any(value.requires_grad for value in learned)


def check_shapes(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> None:
    """Refuse tensors that do not fit each other, naming both sides."""
    shapes = f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if not q.ndim == k.ndim == v.ndim == 4:
        raise ValueError(f"q, k and v are [batch, head, position, d_head]; got {shapes}")
    if q.shape[0] != k.shape[0] or k.shape[:3] != v.shape[:3] or q.shape[3] != k.shape[3]:
        raise ValueError(f"q and k share batch and d_head, k and v share batch, head and key; got {shapes}")
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"query heads are a multiple of key heads; got {q.shape[1]} and {k.shape[1]}")
    if causal and q.shape[2] > k.shape[2]:
        raise ValueError(f"causal queries are the last of the keys; got {q.shape[2]} queries and {k.shape[2]} keys")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"mask is boolean, True where a key is visible; got {mask.dtype}")
    full = (*q.shape[:3], k.shape[2])
    if mask is not None and not _broadcasts(mask.shape, full):
        raise ValueError(f"mask broadcasts to [batch, head, query, key] = {full}; got {tuple(mask.shape)}")


def _broadcasts(shape: torch.Size, full: tuple[int, ...]) -> bool:
    tail = full[len(full) - len(shape) :]
    return len(shape) <= len(full) and all(a in (1, b) for a, b in zip(shape, tail, strict=True))


def _prepare(row: Variant, q: Tensor, v: Tensor, options: Mapping[str, Any]) -> Prepared:
    unknown = [name for name in options if name not in row.call_options]
    if unknown:
        known = ", ".join(row.call_options) or "none"
        raise ValueError(f"{row.name}: unknown option {unknown[0]!r}; known: {known}")
    return row.prepare(q, v, **options)
