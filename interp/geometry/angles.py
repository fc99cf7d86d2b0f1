"""Angles: the cosine between every query and the keys it sees, counted and weighted by attention, beside chance."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.geometry.cosines import BINS, cosine_shares, cosines, head_shares, histogram
from headscope.interp.geometry.sphere import random_cosine_cdf
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.attention.run import repeated_kv_heads

DIRECTED = ("pairs", "mass", "parallel", "antiparallel", "parallel_pairs", "antiparallel_pairs")
ALL = (*DIRECTED, "orthogonal", "both_sides", "orthogonal_pairs", "root_mean_square", "root_mean_square_pairs")
ABOUT = About(
    title="Angles between queries and keys",
    unit="share",
    law="cos θ = q·k/(‖q‖‖k‖); parallel cos ≥ δ, orthogonal abs(cos) < δ, antiparallel cos ≤ −δ, in shares of Σ abs(a)",
    source="Gros 2024, arXiv 2407.18601",
    null="directions at random, density ∝ sin^(d−2) θ, whatever the attention",
    by_gauge={"odd": DIRECTED, "even": DIRECTED, "translation": ALL, "query_key": ALL},
    plain="Whether a head attends to keys that point the same way as the query, the opposite way, or at right angles.",
)


@dataclass(frozen=True, repr=False)
class Angles(Result):
    """Shares over the visible pairs of rows that see at least two keys; pairs with a vector of zeros have no angle.

    pairs, mass: histogram of cos θ over equal bins of [−1, 1], every pair counting alike, or by abs(a). parallel,
    orthogonal, antiparallel: shares of Σ abs(a); x_pairs: of the number of pairs, which is the share that attention
    blind to angles would have. both_sides: the smaller of parallel and antiparallel. root_mean_square: of cos θ.
    A flip of signs of W_Q mirrors the histograms and swaps parallel and antiparallel; orthogonal, both_sides and
    root_mean_square stay. Angles are unchanged by (c W_Q, W_K / c) and by rotations of both, not by other changes of
    the basis in which a head compares, nor by a vector added to all keys, which softmax does not see where the model
    rotates nothing: they say where training left queries and keys. pairs_null: chance, bin by bin; δ: delta.
    """

    drawn_by = "geometry:angles_figure"

    parallel: Float[Tensor, "layer head"]
    orthogonal: Float[Tensor, "layer head"]
    antiparallel: Float[Tensor, "layer head"]
    both_sides: Float[Tensor, "layer head"]
    parallel_null: Float[Tensor, "layer head"]
    orthogonal_null: Float[Tensor, "layer head"]
    antiparallel_null: Float[Tensor, "layer head"]
    parallel_pairs: Float[Tensor, "layer head"]
    orthogonal_pairs: Float[Tensor, "layer head"]
    antiparallel_pairs: Float[Tensor, "layer head"]
    root_mean_square: Float[Tensor, "layer head"]
    root_mean_square_pairs: Float[Tensor, "layer head"]
    root_mean_square_null: Float[Tensor, "layer head"]
    pairs: Float[Tensor, "layer head bin"]
    mass: Float[Tensor, "layer head bin"]
    pairs_null: Float[Tensor, "layer head bin"]
    edges: Float[Tensor, "edge"]
    delta: float
    d_head: int


def angles(
    q: Float[Tensor, "layer head query d_head"],
    k: Float[Tensor, "layer kv_head key d_head"],
    pattern: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    delta: float | None = None,
) -> Angles:
    """The angles of queries and keys (rotated where the model rotates them) under the patterns of their heads.

    δ is 1/√d_head unless given: chance then calls about two thirds of all pairs orthogonal. Raises ValueError for a δ
    outside of (0, 1).
    """
    d = q.shape[-1]
    near = d**-0.5 if delta is None else delta
    if not 0 < near < 1:
        raise ValueError(f"delta is a cosine above 0 and below 1, got {near}")
    keys = repeated_kv_heads(k, q.shape[1])
    layers = [
        [head_angles(*head, seen, near) for head in zip(queries, of_keys, weights, strict=True)]
        for queries, of_keys, weights, seen in zip(q, keys, pattern, visible, strict=True)
    ]
    result: dict[str, Any] = {
        name: torch.stack([torch.stack([head[name] for head in heads]) for heads in layers]) for name in layers[0][0]
    }
    edges = torch.linspace(-1, 1, BINS + 1, dtype=torch.float64)
    chance: dict[str, Any] = {
        "pairs_null": random_cosine_cdf(edges, d).diff().clamp_min(0).to(q.dtype).expand_as(result["pairs"]),
        **{name: result["parallel"].new_full(q.shape[:2], value) for name, value in random_shares(near, d).items()},
    }
    return Angles(**result, **chance, edges=edges, delta=near, d_head=d, about=ABOUT)


def head_angles(
    q: Float[Tensor, "query d_head"],
    k: Float[Tensor, "key d_head"],
    pattern: Float[Tensor, "query key"],
    visible: Bool[Tensor, "query key"],
    delta: float,
) -> dict[str, Float[Tensor, "*bin"]]:
    """Histograms and shares of one head alone: they take several numbers for every two tokens."""
    cosine = cosines(q, k)
    counted = (visible & (visible.sum(-1, keepdim=True) >= 2)) & cosine.isfinite()
    cosine = cosine.nan_to_num()
    pairs, mass = head_shares(counted.to(q.dtype)), head_shares(pattern.abs().to(q.dtype) * counted)
    of_pairs, of_mass = cosine_shares(cosine, pairs, delta), cosine_shares(cosine, mass, delta)
    return {
        **of_mass,
        **{f"{name}_pairs": value for name, value in of_pairs.items()},
        "both_sides": torch.minimum(of_mass["parallel"], of_mass["antiparallel"]),
        "pairs": histogram(cosine, pairs),
        "mass": histogram(cosine, mass),
    }


def random_shares(delta: float, d: int) -> dict[str, float]:
    """What chance has parallel, orthogonal and antiparallel, and its root mean square."""
    below = float(random_cosine_cdf(torch.tensor(-delta), d))
    return {
        "parallel_null": below,
        "orthogonal_null": 1 - 2 * below,
        "antiparallel_null": below,
        "root_mean_square_null": d**-0.5,
    }
