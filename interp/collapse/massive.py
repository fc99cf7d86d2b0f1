"""Massive activations: the few entries of the residual stream that dwarf all others."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.collapse.matrix_measures import noise_like
from headscope.interp.collapse.residual import depth_labels
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

SIZE, RATIO, TOP = 100.0, 1000.0, 3
ABOUT = About(
    title="Massive activations",
    unit="units of the residual stream",
    law=f"entries with |x| > {SIZE:.0f} and |x| > {RATIO:.0f} × the median magnitude of their layer",
    source="Sun et al. 2024 (arXiv 2402.17762), section 2",
    null="Gaussian rows of the same norms",
    plain=Sentence(
        "Single entries of the residual stream that dwarf all others, often on the {first}. Many models park "
        "attention there."
    ),
)


@dataclass(frozen=True, repr=False)
class MassiveActivations(Result):
    """The largest entries of the residual stream at every depth, massive or not, and how many are massive.

    value is signed; ratio is its magnitude over the median's, infinite where that is 0. Where an entry stands:
    position (a token) and dimension (a coordinate of the residual stream, which has a basis that norms know).
    """

    drawn_by = "residual:massive_activations_figure"

    value: Float[Tensor, "depth rank"]
    ratio: Float[Tensor, "depth rank"]
    ratio_null: Float[Tensor, "depth rank"]
    ratio_null_spread: Float[Tensor, "depth rank"]
    position: Int[Tensor, "depth rank"]
    dimension: Int[Tensor, "depth rank"]
    median: Float[Tensor, "depth"]
    count: Int[Tensor, "depth"]
    tokens: tuple[str, ...] = ()


def massive_activations(
    residual: Float[Tensor, "depth pos d_model"], tokens: Sequence[str] = (), top: int = TOP
) -> MassiveActivations:
    """Of `residual_stream`. top: how many entries of each depth are listed, or all where there are fewer."""
    flat, width = residual.flatten(1), residual.shape[-1]
    size, median = flat.abs(), flat.abs().median(-1).values
    largest, place = size.topk(min(top, size.shape[1]))
    null = null_of(lambda dice: ratios(noise_like(residual, dice), largest.shape[1]))
    return MassiveActivations(
        value=flat.gather(1, place),
        ratio=largest / median[:, None],
        ratio_null=null.mean,
        ratio_null_spread=null.spread,
        position=place // width,
        dimension=place % width,
        median=median,
        count=((size > SIZE) & (size > RATIO * median[:, None])).sum(-1),
        tokens=tuple(tokens),
        about=ABOUT,
        labels={"depth": depth_labels(len(residual))},
    )


def ratios(residual: Float[Tensor, "depth pos d_model"], top: int) -> Float[Tensor, "depth rank"]:
    """The largest magnitudes over the median magnitude."""
    size = residual.flatten(1).abs()
    return size.topk(top).values / size.median(-1, keepdim=True).values
