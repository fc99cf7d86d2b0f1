"""The rows of a strip: what `rows_of` says of them, in few passes over scores that are overwritten."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from headscope.interp.rows.measures import mass_at, mean_distance, measures_of_equal_weights, row_negative_mass
from headscope.interp.rows.reading import BASELINE, BESIDE_TWIN, Reading
from headscope.models.attention import variant_named
from headscope.models.attention.fused.blocks import Hidden
from headscope.models.attention.fused.blockwise import dot
from headscope.models.attention.fused.scratch import Scratch
from headscope.models.attention.jacobian import row_norm
from headscope.models.attention.largest import largest_entries
from headscope.models.attention.variant import Variant

Weights = Float[Tensor, "*heads query key"]
OfRows = Float[Tensor, "*heads query"]


@dataclass(frozen=True)
class EqualWeights:
    """What equal weights over the visible keys of some rows would be, and how many there are; the same for heads."""

    visible_keys: Int[Tensor, "_ _ query"]
    measures: Mapping[str, Float[Tensor, "_ _ query"]]


def equal_weights(
    visible: Callable[[], Bool[Tensor, "_ _ query key"]],
    is_whole_past: bool,
    position: Int[Tensor, "query"],
    top: int,
    dtype: torch.dtype,
) -> EqualWeights:
    """Those of a mask; is_whole_past: each row sees every key up to its own position, and no mask is made."""
    if is_whole_past:
        return equal_weights_of_the_past(position, top, dtype)
    mask = visible()
    return EqualWeights(mask.sum(-1), measures_of_equal_weights(mask, position, top, dtype))


def equal_weights_of_the_past(position: Int[Tensor, "query"], top: int, dtype: torch.dtype) -> EqualWeights:
    """Those of rows that see every key up to their own position."""
    n = (position + 1)[None, None]
    share = 1 / n.to(dtype)
    measures = {
        "top_mass": n.clamp(max=top) * share,
        "max_share": share,
        "mean_distance": position[None, None].to(dtype) / 2,
        "diagonal_mass": share,
        "previous_token_mass": share.where(n > 1, 0.0),
        "first_token_mass": share,
    }
    return EqualWeights(n, measures)


@dataclass(frozen=True)
class StripScores:
    """The scores of some rows, hidden ones -inf; visible: which are not, for a kernel that asks; causal: all that a row
    sees is not after it."""

    scores: Weights
    hidden: Hidden
    visible: Callable[[], Bool[Tensor, "_ _ query key"]]
    position: Int[Tensor, "query"]
    equal: EqualWeights
    causal: bool
    scratch: Scratch


def rows_of_strip(reading: Reading, strip: StripScores) -> dict[str, Num[Tensor, "*heads query"]]:
    """What RowCurves holds, of some rows."""
    variant, baseline = variant_named(reading.variant), variant_named(BASELINE)
    weights = weights_of(variant, reading, strip)
    result = {**sharpness_of_weights(weights, strip), **shares_by_place(weights, strip, reading.top)}
    result["jacobian_norm"] = jacobian_norm(variant, reading, weights, strip)
    twin = result
    if variant.weigh is not baseline.weigh:
        as_baseline = Reading(BASELINE)
        weights = weights_of(baseline, as_baseline, strip)
        twin = sharpness_of_weights(weights, strip)
        twin["jacobian_norm"] = jacobian_norm(baseline, as_baseline, weights, strip)
    nulls = {**{name: twin[name] for name in BESIDE_TWIN}, **strip.equal.measures}
    shape = strip.scores.shape[:-1]
    return {
        **result,
        **{f"{name}_null": null.expand(shape) for name, null in nulls.items()},
        "visible_keys": strip.equal.visible_keys.expand(shape),
    }


@dataclass(frozen=True)
class StripWeights:
    """The weights a of a strip, their shares b, Σ abs(a), and the nats of which b is a softmax, anything where a is 0.

    log_sum: ln Σ e^nats.
    """

    pattern: Weights
    shares: Weights
    total: OfRows
    nats: Weights
    log_sum: OfRows


def weights_of(variant: Variant, reading: Reading, strip: StripScores) -> StripWeights:
    """The weights of a strip."""
    scores = strip.hidden.cleared(strip.scratch.like("weights", strip.scores).copy_(strip.scores))
    is_exponential = variant.blocks is not None and variant.blocks.exponent is not None
    weigh = exponential_weights if is_exponential else other_weights
    pattern, nats, log_sum = weigh(variant, reading, strip, scores)
    shares = torch.abs(pattern, out=strip.scratch.like("work", pattern))
    total = shares.sum(-1)
    log_sum = total.log() if log_sum is None else log_sum
    return StripWeights(pattern, shares.div_(total[..., None]), total, nats, log_sum)


def exponential_weights(
    variant: Variant, reading: Reading, strip: StripScores, scores: Weights
) -> tuple[Weights, Weights, OfRows]:
    """Weights in the place of the scores, and their exponents instead of logarithms."""
    blocks = variant.blocks
    assert blocks is not None and blocks.exponent is not None
    nats = strip.hidden.lowered(blocks.exponent(scores, strip.scratch.like("nats", scores)))
    shift = nats.amax(-1, keepdim=True).clamp_min_(torch.finfo(nats.dtype).min / 2)
    total = blocks.numerators(scores, strip.scratch.like("work", scores), strip.hidden, shift, **reading.kernel)
    assert total is not None
    total.masked_fill_(total == 0, 1.0)
    return scores.div_(total), strip.hidden.cleared(nats.sub_(shift)), total.squeeze(-1).log()


def other_weights(
    variant: Variant, reading: Reading, strip: StripScores, scores: Weights
) -> tuple[Weights, Weights, None]:
    """Weights, and their logarithms."""
    pattern = variant.weigh(scores, strip.visible(), **reading.kernel)
    nats = torch.abs(pattern, out=strip.scratch.like("nats", pattern))
    return pattern, nats.clamp_min_(torch.finfo(pattern.dtype).tiny).log_(), None


def sharpness_of_weights(weights: StripWeights, strip: StripScores) -> dict[str, OfRows]:
    """How evenly they are spread, and how large they are."""
    n = strip.equal.visible_keys.to(weights.total.dtype)
    entropy = weights.log_sum - dot(weights.shares, weights.nats)
    norm = row_norm(weights.shares)
    return {
        "entropy": entropy,
        "normalised_entropy": entropy / n.log(),
        "participation": norm**-2,
        "spikiness": norm**-2 / n,
        "row_norm": (norm * weights.total).masked_fill(weights.total == 0, 0.0),
    }


def jacobian_norm(variant: Variant, reading: Reading, weights: StripWeights, strip: StripScores) -> OfRows:
    """‖∂a/∂p‖_F, by the closed form of the kernel where it has one."""
    if variant.slope is not None:
        return variant.slope(weights.pattern, strip.scores, **reading.kernel)
    return variant.jacobian_norm(weights.pattern, strip.scores, strip.visible(), **reading.kernel)


def shares_by_place(weights: StripWeights, strip: StripScores, top: int) -> dict[str, OfRows]:
    """The measures of weights that are no matter of their sharpness alone."""
    shares, position, signed_sum = weights.shares, strip.position, weights.pattern.sum(-1)
    largest = largest_entries(shares, min(top, shares.shape[-1])).values
    return {
        "top_mass": largest.sum(-1),
        "max_share": largest.amax(-1),
        "negative_mass": row_negative_mass(weights.total, signed_sum),
        "signed_sum": signed_sum,
        "mean_distance": distance_back(shares, position) if strip.causal else mean_distance(shares, position),
        "diagonal_mass": mass_at(shares, position),
        "previous_token_mass": mass_at(shares, position - 1),
        "first_token_mass": shares[..., 0].clone(),  # the memory is used again
    }


def distance_back(shares: Weights, position: Int[Tensor, "query"]) -> OfRows:
    """Σ b (t − s) of rows that see nothing after their query: from the last of them, where a float loses least."""
    keys, last = torch.arange(shares.shape[-1], device=shares.device, dtype=shares.dtype), position[-1]
    return shares @ (last - keys) - (last - position)
