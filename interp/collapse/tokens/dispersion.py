"""Dispersion: how sharp a head's rows can be among n keys, by how far apart their weights lie in logarithms."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.collapse.tokens.log_weights import (
    LogWeights,
    largest_counted,
    log_weights,
    row_spread,
    share_bound,
)
from headscope.interp.reading.size import LOOK, Size
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

SAMPLES = 2
SMALL = 1e-30  # of a weight: below it float32 loses digits
LOOKS = 8  # at every weight, once and for every draw
SOURCE = "Veličković et al. 2024 (arXiv 2410.01104), lemma 2.1, of |a| and with the largest weight counted"
NULL = "rows whose ln|a| are Gaussian of the same mean and standard deviation"
ABOUT = About(
    title="Dispersion",
    unit="nats; half_at: log₁₀ of keys; tightness: share of the bound",
    law="b = |a|/Σ|a| ≤ e^Δ/(e^Δ + n − 1), Δ the largest ln max|a| − ln min|a| of a row of n ≥ 2 keys; half_at "
    "log₁₀(e^Δ + 1); tightness: mean of max b over the bound of its own row",
    source=SOURCE,
    null=NULL,
    by_gauge={"scale": ("score_spread", "off_exponential")},
    plain=Sentence(
        "Among how many {tokens} a head can still put half of its weight on one. The further apart its weights lie in "
        "logarithms, the more; kernels whose weights can vanish have no such limit."
    ),
)


@dataclass(frozen=True, repr=False)
class Dispersion(Result):
    """By head, over its rows of two keys or more. Signs play no part: shares are of magnitudes.

    spread: Δ, at most 87, as a weight of 0 counts as float32's smallest. score_spread: the same of what the kernel
    weighs. off_exponential: the largest over rows of how far ln|a| and the scores, or their magnitudes, are from
    differing by a constant. Where it is 0, Δ is no larger than score_spread, which norms of queries and keys
    bound for every n. Where it is not, weights may vanish at ordinary scores: Δ has no such bound, and half_at
    only speaks of the rows that were seen.
    """

    drawn_by = "tokens.dispersion:dispersion_figure"

    spread: Float[Tensor, "layer head"]
    spread_null: Float[Tensor, "layer head"]
    spread_null_spread: Float[Tensor, "layer head"]
    tightness: Float[Tensor, "layer head"]
    tightness_null: Float[Tensor, "layer head"]
    tightness_null_spread: Float[Tensor, "layer head"]
    half_at: Float[Tensor, "layer head"]
    score_spread: Float[Tensor, "layer head"]
    off_exponential: Float[Tensor, "layer head"]


def dispersion(
    pattern: Float[Tensor, "layer head query key"],
    scores: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
) -> Dispersion:
    """Of a prompt; scores are what the kernel weighed. NaN for a head without a row of two keys."""
    layers = [of_layer(*layer) for layer in zip(pattern, scores, visible, strict=True)]
    spread, tightness, spread_null, tightness_null, *spreads, of_scores, off = torch.stack(layers, 1)
    half_at = (spread.double().exp() + 1).log10().float()
    return Dispersion(
        *(spread, spread_null, spreads[0], tightness, tightness_null, spreads[1], half_at, of_scores, off), about=ABOUT
    )


def of_layer(
    pattern: Float[Tensor, "head query key"],
    scores: Float[Tensor, "head query key"],
    seen: Bool[Tensor, "query key"],
) -> Float[Tensor, "number head"]:
    """Spread and tightness, their nulls, the spreads of the nulls, and what is said of the scores."""
    weights = log_weights(pattern, seen)
    null = null_of(lambda dice: spread_and_tightness(weights.drawn(dice)), SAMPLES)
    of_scores = largest_counted(row_spread(scores, seen), weights.counted)
    off = off_exponential(weights, scores)
    return torch.cat([spread_and_tightness(weights), null.mean, null.spread, torch.stack([of_scores, off])])


def off_exponential(weights: LogWeights, scores: Float[Tensor, "head query key"]) -> Float[Tensor, "head"]:
    """The largest over rows of the spread of ln|a| − p, or of + p or − |p| where that is less; 0 for exponentials.

    Weights too small for float32 are left out.
    """
    known = weights.seen & (weights.logs > math.log(SMALL))
    over_rows = [
        largest_counted(row_spread(weights.logs - p, known), weights.counted) for p in (scores, -scores, scores.abs())
    ]
    return torch.stack(over_rows).amin(0).clamp(min=0)


def spread_and_tightness(weights: LogWeights) -> Float[Tensor, "measure head"]:
    """The largest spread of a row, and the mean share of its own bound that a row reaches."""
    reached = weights.largest_share / share_bound(weights.spread, weights.keys)
    return torch.stack([weights.head_spread, reached.where(weights.counted, torch.nan).nanmean(-1)])


def dispersion_cost(size: Size) -> int:
    """Some looks at every weight, and at as many that are drawn."""
    return (1 + SAMPLES) * LOOKS * LOOK * size.heads * sum(length**2 for length in size.lengths)
