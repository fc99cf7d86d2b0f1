"""Joint embedding: the queries and keys of one head as points of one plane or space (Yeh et al. 2023, AttentionViz)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.geometry.placing import METHODS, explained_by, signed_by, squared_features
from headscope.interp.results.about import About
from headscope.interp.results.gauges import Gauge, kernel_gauges
from headscope.interp.results.result import Result
from headscope.models.attention import VARIANTS, variant_named
from headscope.models.attention.options import Options
from headscope.models.io.near_names import known_names

PLACES = ("queries", "keys", "query_norms", "key_norms")
ABOUT = About(
    title="Joint embedding of queries and keys",
    unit="coordinates",
    law="q·c and k/c with equal root mean square norms, so that q·k stays; principal axes through the origin",
    source="Yeh et al. 2023, arXiv 2305.03210",
    plain="The queries and keys of one head as points of one map. Near points, or for squared attention also opposite"
    " ones, attend to each other.",
)
PROJECTIVE_LAW = "x xᵀ of q·c and k/c, in which ±x are one point and (q·k)² the inner product; principal axes of both"


@dataclass(frozen=True)
class Embedding:
    """How to embed: pca, or tsne and umap where scikit-learn and umap-learn are installed; into 2 or 3 dimensions.

    centre_keys: take the mean key off every key, which only kernels that ignore a translation do not notice.
    """

    method: str = "pca"
    dims: int = 2
    centre_keys: bool = False


@dataclass(frozen=True, repr=False)
class JointEmbedding(Result):
    """A point per query and per key, and the norms they had after scaling.

    explained: the part of the squared distances from the centre that each axis holds; None unless by pca. scale: c.
    projective: whether ±x are one point, as an even kernel sees them.
    Law: for an even kernel nothing depends on the sign of any query or key. For an odd kernel W_Q → −W_Q turns the
    queries about the origin. Rotations of a head's basis change nothing under pca.
    """

    drawn_by = "geometry:joint_embedding_figure"

    queries: Float[Tensor, "query dim"]
    keys: Float[Tensor, "key dim"]
    query_norms: Float[Tensor, "query"]
    key_norms: Float[Tensor, "key"]
    explained: Float[Tensor, "dim"] | None
    scale: float
    projective: bool
    method: str


def joint_embedding(
    variant: str,
    q: Float[Tensor, "query d_head"],
    k: Float[Tensor, "key d_head"],
    tokens: Sequence[str],
    how: Embedding = Embedding(),
    options: Options = MappingProxyType({}),
) -> JointEmbedding:
    """Queries and keys of one head (rotated where the model rotates them) of the named variant with these options.

    Raises ValueError for an unknown variant or method, a method that is not installed, keys that may not be centred,
    options that leave it open whether the kernel is even, and fewer points than dimensions.
    """
    refuse_embedding(variant, len(q) + len(k), q.shape[1], how)
    parity = variant_named(variant).parity(options)
    if parity == "either":
        raise ValueError(f"{variant} attention is even or odd as its options are: give them")
    keys = k - k.mean(0) if how.centre_keys else k
    scale = float((rms_norm(keys) / rms_norm(q)).sqrt())
    points = torch.cat([q * scale, keys / scale])
    features = squared_features(points) if parity == "even" else points
    placed = METHODS[how.method](features, how.dims)
    placed = signed_by(placed, placed[len(q) :])
    norms = points.norm(dim=-1)
    return JointEmbedding(
        queries=placed[: len(q)],
        keys=placed[len(q) :],
        query_norms=norms[: len(q)],
        key_norms=norms[len(q) :],
        explained=explained_by(features, placed) if how.method == "pca" else None,
        scale=scale,
        projective=parity == "even",
        method=how.method,
        about=embedding_about(variant, options, how, is_projective=parity == "even"),
        labels={"query": tuple(tokens), "key": tuple(tokens)},
    )


def embedding_about(variant: str, options: Options, how: Embedding, *, is_projective: bool) -> About:
    """What the coordinates are; a flip of an odd kernel's queries moves them, and neighbours with them.

    A vector added to all keys moves everything, unless the keys are centred.
    """
    flipped = ("queries",) if how.method == "pca" else ("queries", "keys")
    translated = () if how.centre_keys else (*PLACES, "explained")
    by_gauge: dict[Gauge, tuple[str, ...]] = {
        "odd": flipped,
        "scale": PLACES,
        "translation": translated,
        "query_key": (*PLACES, "explained"),
    }
    about = replace(ABOUT, law=PROJECTIVE_LAW if is_projective else ABOUT.law, by_gauge=by_gauge)
    return about.of_gauges([*kernel_gauges(variant, options, is_rotated=False), "query_key"])


def rms_norm(points: Float[Tensor, "point d_head"]) -> Float[Tensor, ""]:
    """The root mean square of the points' norms."""
    return points.square().sum(-1).mean().sqrt()


def refuse_embedding(variant: str, points: int, d_head: int, how: Embedding) -> None:
    """Raise ValueError for what cannot be embedded so."""
    row = variant_named(variant)
    if how.method not in METHODS:
        raise ValueError(f"unknown embedding {how.method!r}; known: {known_names(how.method, METHODS)}")
    if how.dims not in (2, 3) or points <= how.dims or d_head < how.dims:
        raise ValueError(
            f"an embedding has 2 or 3 dimensions, with more points and at least as many of d_head; got {how.dims} for "
            f"{points} points of d_head {d_head}"
        )
    if how.centre_keys and not row.invariant_to_key_translation:
        free = [name for name, item in VARIANTS.items() if item.invariant_to_key_translation]
        raise ValueError(
            f"{variant} attention changes when a vector is added to every key, so its keys may not be centred; "
            f"possible for: {', '.join(free)}"
        )
