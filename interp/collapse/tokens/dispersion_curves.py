"""Dispersion curves: how the largest share of a head's rows falls as they see more keys, below its bound."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.collapse.tokens.dispersion import NULL, SAMPLES, SOURCE
from headscope.interp.collapse.tokens.log_weights import LogWeights, log_weights, share_bound
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ALONE = -1  # the group of rows that see one key
ABOUT = About(
    title="Sharpness by the number of keys",
    unit="share",
    law="mean of max b over rows of about n keys, b = |a|/Σ|a|; bound e^Δ/(e^Δ + n − 1), Δ the head's largest "
    "ln max|a| − ln min|a|, n the fewest keys of these rows",
    source=SOURCE,
    null=NULL,
    plain=Sentence(
        "How much of its weight each head puts on one {token} at most, as it sees more of them, below the most that "
        "its weights allow."
    ),
)


@dataclass(frozen=True, repr=False)
class DispersionCurves(Result):
    """The mean largest share of rows of about n keys, two groups of rows an octave; no gauge changes it.

    lengths: the mean n of each group. Signs play no part: shares are of magnitudes.
    """

    drawn_by = "tokens.dispersion:dispersion_curves_figure"

    largest: Float[Tensor, "layer head point"]
    largest_null: Float[Tensor, "layer head point"]
    largest_null_spread: Float[Tensor, "layer head point"]
    bound: Float[Tensor, "layer head point"]
    lengths: tuple[float, ...]


def dispersion_curves(
    pattern: Float[Tensor, "layer head query key"], visible: Bool[Tensor, "layer query key"]
) -> DispersionCurves:
    """Of a prompt. Where no query sees two keys there is one group, without a number."""
    group = row_groups(visible.sum(-1))
    known = [int(item) for item in group.unique() if item >= 0] or [ALONE]
    layers = [of_layer(*layer, known) for layer in zip(pattern, visible, group, strict=True)]
    largest, null, spread, bound = torch.stack(layers, 1)
    keys = visible.sum(-1).float()
    lengths = tuple(float(keys[group == item].mean()) for item in known)
    labels = {"point": tuple(f"{n:.4g}" for n in lengths)}
    return DispersionCurves(largest, null, spread, bound, lengths, about=ABOUT, labels=labels)


def row_groups(keys: Int[Tensor, "layer query"]) -> Int[Tensor, "layer query"]:
    """The group of every row, two an octave from n = 2 on; ALONE for a row of fewer keys."""
    return (2 * (keys.clamp(min=1) / 2).log2()).floor().long().clamp(min=ALONE)


def of_layer(
    pattern: Float[Tensor, "head query key"],
    seen: Bool[Tensor, "query key"],
    group: Int[Tensor, "query"],
    known: list[int],
) -> Float[Tensor, "field head point"]:
    """Largest share, its null, the null's spread and the bound of each group of rows."""
    weights = log_weights(pattern, seen)
    rows = group == torch.tensor(known)[:, None]
    null = null_of(lambda dice: group_means(weights.drawn(dice), rows), SAMPLES)
    fewest = weights.keys.where(rows, weights.keys.max()).amin(-1)
    bound = share_bound(weights.head_spread[:, None], fewest).where(rows.any(-1), torch.nan)
    return torch.stack([group_means(weights, rows), null.mean, null.spread, bound])


def group_means(weights: LogWeights, rows: Bool[Tensor, "point query"]) -> Float[Tensor, "head point"]:
    """The mean largest share of each group's rows that count; NaN where it has none."""
    counted = weights.counted[:, None] & rows
    return weights.largest_share[:, None].where(counted, torch.nan).nanmean(-1)
