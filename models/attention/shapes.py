"""What the tensors of an attention call must agree on; a refusal names both sides."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def check_shapes(
    q: Float[Tensor, "..."], k: Float[Tensor, "..."], v: Float[Tensor, "..."], mask: Bool[Tensor, "..."] | None
) -> None:
    """Refuse queries, keys, values and a mask that do not fit each other."""
    shapes = f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if not q.ndim == k.ndim == v.ndim == 4:
        raise ValueError(f"q, k and v are [batch, head, position, d_head]; got {shapes}")
    if not q.numel() or not k.numel() or not v.numel():
        raise ValueError(f"q, k and v have at least one entry along every axis; got {shapes}")
    if not q.dtype == k.dtype == v.dtype or not q.is_floating_point():
        raise ValueError(f"q, k and v share one floating dtype; got {q.dtype}, {k.dtype}, {v.dtype}")
    if q.shape[0] != k.shape[0] or k.shape[:3] != v.shape[:3] or q.shape[3] != k.shape[3]:
        raise ValueError(f"q and k share batch and d_head, k and v share batch, head and key; got {shapes}")
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"query heads are a multiple of key heads; got {q.shape[1]} and {k.shape[1]}")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"mask is boolean, True where a key is visible; got {mask.dtype}")
    if mask is not None:
        check_broadcast("mask", mask.shape, (*q.shape[:3], k.shape[2]))


def check_causal(n_query: int, n_key: int) -> None:
    """Refuse more queries than keys under the causal rule, which counts queries from the last key."""
    if n_query > n_key:
        raise ValueError(f"causal queries are the last of the keys; got {n_query} queries and {n_key} keys")


def check_broadcast(name: str, shape: torch.Size, full: tuple[int, ...]) -> None:
    """Refuse a shape that does not broadcast to [batch, head, query, key] without enlarging it."""
    tail = full[len(full) - len(shape) :]
    if len(shape) > len(full) or any(a not in (1, b) for a, b in zip(shape, tail, strict=True)):
        raise ValueError(f"{name} broadcasts to [batch, head, query, key] = {full}; got {tuple(shape)}")


def check_temperature(name: str, tau: Float[Tensor, "..."], x: Float[Tensor, "batch head pos d_head"]) -> None:
    """Refuse a temperature that is not [batch or 1, head or 1 or a divisor, position] of what it scales."""
    batch, head, pos, _ = x.shape
    fits = tau.ndim == 3 and tau.shape[0] in (1, batch) and tau.shape[2] == pos
    if not fits or not tau.shape[1] or head % tau.shape[1]:
        wanted = f"[1 or {batch}, 1 or {head}, {pos}]"
        raise ValueError(f"{name} is [batch or 1, head or 1, position] = {wanted}; got {tuple(tau.shape)}")
