"""Row curves: the measures of every row of every head, by the position of its query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.gauges import Gauge, kernel_gauges, merged_gauges
from headscope.interp.results.result import Result
from headscope.interp.rows.reading import BESIDE_TWIN, TOP, Reading, Rows, rows_of
from headscope.models.attention import variant_named
from headscope.models.attention.options import Options
from headscope.models.hosts.words import Sentence

MIRRORED = ("negative_mass", "signed_sum")
SCALED = ("signed_sum", "row_norm", "jacobian_norm")
ABOUT = About(
    title="Row statistics by position",
    unit=Sentence("shares of Σ abs(a); entropies in nats, distances in {tokens}, participation in keys"),
    law="b = abs(a)/Σ abs(a); entropy −Σ b ln b, participation 1/Σb², spikiness 1/(nΣb²), jacobian_norm ‖∂a/∂p‖_F, "
    "mean_distance Σ b·abs(t − s)",
    source="Zhang et al. 2024, arXiv 2411.12892 (spikiness); Saratchandran et al. 2024, arXiv 2410.18613 (norms)",
    null="of masses, shares and distances: equal weights over the visible keys; of entropies, participation, "
    "spikiness and norms: softmax of the same scores, which for softmax itself is the pattern",
    plain=Sentence(
        "How focused each position's attention is, how far it reaches, how large it is, and how it changes as there"
        " are more {tokens} to see."
    ),
)


@dataclass(frozen=True, repr=False)
class RowCurves(Result):
    """The measures of headscope.interp.rows.measures for every row, and ‖∂a/∂p‖_F of its kernel in what it weighs, p.

    negative_mass and signed_sum depend on a flip of signs of an odd kernel; the norms and signed_sum of one with
    a free scale also on (W_Q, W_V) → (c W_Q, c^(−power) W_V). Softmax of the scores of any kernel with such a gauge
    depends on it, as softmax itself has none. Nothing else does.
    """

    drawn_by = "row_statistics:row_curves_figure"

    entropy: Float[Tensor, "layer head query"]
    normalised_entropy: Float[Tensor, "layer head query"]
    participation: Float[Tensor, "layer head query"]
    spikiness: Float[Tensor, "layer head query"]
    top_mass: Float[Tensor, "layer head query"]
    max_share: Float[Tensor, "layer head query"]
    negative_mass: Float[Tensor, "layer head query"]
    signed_sum: Float[Tensor, "layer head query"]
    mean_distance: Float[Tensor, "layer head query"]
    diagonal_mass: Float[Tensor, "layer head query"]
    previous_token_mass: Float[Tensor, "layer head query"]
    first_token_mass: Float[Tensor, "layer head query"]
    row_norm: Float[Tensor, "layer head query"]
    jacobian_norm: Float[Tensor, "layer head query"]
    top_mass_null: Float[Tensor, "layer head query"]
    max_share_null: Float[Tensor, "layer head query"]
    mean_distance_null: Float[Tensor, "layer head query"]
    diagonal_mass_null: Float[Tensor, "layer head query"]
    previous_token_mass_null: Float[Tensor, "layer head query"]
    first_token_mass_null: Float[Tensor, "layer head query"]
    entropy_null: Float[Tensor, "layer head query"]
    normalised_entropy_null: Float[Tensor, "layer head query"]
    participation_null: Float[Tensor, "layer head query"]
    spikiness_null: Float[Tensor, "layer head query"]
    row_norm_null: Float[Tensor, "layer head query"]
    jacobian_norm_null: Float[Tensor, "layer head query"]
    visible_keys: Int[Tensor, "layer head query"]
    top: int = TOP


def row_curves(
    pattern: Float[Tensor, "layer head query key"],
    scores: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    variants: Sequence[str],
    top: int = TOP,
    kernels: Sequence[Options] | None = None,
) -> RowCurves:
    """Every row of patterns whose layers have the named variants; scores are what the kernel weighed.

    The queries are the last of the keys. kernels: the options of each layer's kernel; when not given they are read off
    the weights, and where that cannot be, Jacobian norms are NaN. Raises ValueError for an unknown variant, for
    variants or kernels that are not one per layer, for a kernel whose options no weights tell, and for patterns that
    have no axis of layers.
    """
    refuse_other_axes(pattern)
    for name, value in (("variant", variants), ("kernel", kernels)):
        if value is not None and len(value) != len(pattern):
            raise ValueError(f"a {name} is named for each of the {len(pattern)} layers; got {len(value)}")
    position = torch.arange(pattern.shape[-2]) + pattern.shape[-1] - pattern.shape[-2]
    layers = []
    for layer, variant in enumerate(variants):
        a, p = pattern[layer, None], scores[layer, None]
        kernel = variant_named(variant).kernel_of_weights(a, p) if kernels is None else kernels[layer]
        reading = Reading(variant, kernel, top, kernel_gauges(variant, kernel))
        layers.append(Rows(reading, rows_of(reading, a, p, visible[layer, None, None], position)))
    return curves_of(layers)


def refuse_other_axes(pattern: Float[Tensor, "..."]) -> None:
    """Raise ValueError for a pattern of other axes than row_curves reads."""
    if pattern.ndim != 4:
        raise ValueError(
            f"a pattern with the axes layer, head, query and key was asked for, this one is {tuple(pattern.shape)}: "
            "take pattern[None] of one layer's heads"
        )


def curves_of(layers: Sequence[Rows]) -> RowCurves:
    """The record of the rows of some layers, in their order."""
    gauges = merged_gauges([rows.reading.gauges for rows in layers])
    result = {name: torch.cat([rows.measures[name] for rows in layers]) for name in layers[0].measures}
    return RowCurves(**result, top=layers[0].reading.top, about=about_with_gauges(ABOUT, gauges, BESIDE_TWIN, SCALED))  # type: ignore[arg-type]


def about_with_gauges(
    about: About, gauges: Collection[Gauge], beside_twin: Sequence[str], scaled: Sequence[str]
) -> About:
    """The same, with the fields that these gauges change; softmax of the scores has no gauge of a kernel without it."""
    twins = tuple(f"{name}_null" for name in beside_twin)
    changed: dict[Gauge, tuple[str, ...]] = {"odd": (*MIRRORED, *twins), "even": twins, "scale": (*scaled, *twins)}
    return replace(about, by_gauge=changed).of_gauges(gauges)
