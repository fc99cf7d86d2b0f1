"""The rows of a strip: what `rows_of` says of them, in few passes over scores that are overwritten."""

from dataclasses import dataclass

import torch
from torch import Tensor

from headscope.interp.rows.exponential_rows import Sums, place_sums, sharpness_sums
from headscope.interp.rows.measures import mass_at, mean_distance, row_negative_mass
from headscope.interp.rows.reading import BASELINE, BESIDE_TWIN, Reading
from headscope.interp.rows.strip_scores import OfRows, StripScores, Weights, distance_back
from headscope.models.attention import variant_named
from headscope.models.attention.fused.blockwise import dot
from headscope.models.attention.jacobian import row_norm, softmax_slope
from headscope.models.attention.largest import largest_entries
from headscope.models.attention.variant import Variant


@dataclass(frozen=True)
class StripRows:
    """What is known of a strip: sums of exponentials, the weights' own and those of softmax of the same scores, and
    measures by name where they are none."""

    own: Sums
    twin: Sums
    measures: Sums


def rows_of_strip(reading: Reading, strip: StripScores) -> StripRows:
    """What RowCurves holds, of some rows."""
    variant, baseline = variant_named(reading.variant), variant_named(BASELINE)
    own = of_exponentials(variant, reading, strip)
    measures = of_weights(variant, reading, strip) if own is None else {}
    if variant.weigh is baseline.weigh:
        return StripRows(own or {}, own or {}, measures | nulls_of(measures))
    if (twin := sharpness_sums(strip.scores, strip)) is None:
        measures |= nulls_of(of_twin(strip))
    return StripRows(own or {}, twin or {}, measures)


def nulls_of(measures: Sums) -> dict[str, Tensor]:
    """Those that are the nulls of a pattern, where these are the measures of its twin."""
    return {f"{name}_null": measures[name] for name in BESIDE_TWIN if name in measures}


def of_exponentials(variant: Variant, reading: Reading, strip: StripScores) -> dict[str, Tensor] | None:
    """Sums of weights that are exponentials of finite scores, with their signs, none of which is 0."""
    element, blocks, scores = variant.element(reading.kernel), variant.blocks, strip.scores
    if blocks is None or blocks.exponent is None or element is None or variant.slope is not softmax_slope:
        return None
    exponents = blocks.exponent(scores, strip.scratch.like("exponents", scores))
    if element.is_signed and not bool(exponents.amin() > 0):
        return None
    sums = sharpness_sums(strip.hidden.lowered(exponents), strip, reading.top)
    return None if sums is None else sums | place_sums(sums, strip, scores if element.is_signed else None)


def of_weights(variant: Variant, reading: Reading, strip: StripScores) -> dict[str, OfRows]:
    """Whatever the weights are."""
    weights = weights_of(variant, reading, strip)
    result = {**sharpness_of_weights(weights, strip), **shares_by_place(weights, strip, reading.top)}
    result["jacobian_norm"] = jacobian_norm(variant, reading, weights, strip)
    return result


def of_twin(strip: StripScores) -> dict[str, OfRows]:
    """What BESIDE_TWIN names, of softmax of the same scores, where a row has none or they are not finite."""
    baseline, reading = variant_named(BASELINE), Reading(BASELINE)
    weights = weights_of(baseline, reading, strip)
    return {
        **sharpness_of_weights(weights, strip),
        "jacobian_norm": jacobian_norm(baseline, reading, weights, strip),
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
    pattern = weights_in_place(variant, reading, strip, scores)
    if pattern is None:
        pattern = variant.weigh(scores, strip.visible(), **reading.kernel)
    nats = torch.abs(pattern, out=strip.scratch.like("nats", pattern))
    return pattern, nats.clamp_min_(torch.finfo(pattern.dtype).tiny).log_(), None


def weights_in_place(variant: Variant, reading: Reading, strip: StripScores, scores: Weights) -> Weights | None:
    """Weights h / Σ h in the place of the scores, which stay where it is None: without such, or where the direct form
    would lose a row."""
    blocks, element = variant.blocks, variant.element(reading.kernel)
    if blocks is None or element is None or not element.is_normalised:
        return None
    work = strip.scratch.like("work", scores)
    if not float(torch.abs(scores, out=work).amax()) <= blocks.largest:
        return None
    total = blocks.numerators(scores, work, strip.hidden, None, **reading.kernel)
    if total is not None and bool((total >= blocks.smallest).all()):
        return scores.div_(total)
    strip.hidden.cleared(scores.copy_(strip.scores))
    return None


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
    total = torch.ones_like(weights.total)
    largest = largest_entries(shares, min(top, shares.shape[-1])).values
    return {
        "top_mass": largest.sum(-1),
        "max_share": largest.amax(-1),
        "negative_mass": row_negative_mass(weights.total, signed_sum),
        "signed_sum": signed_sum,
        "mean_distance": distance_back(shares, position, total) if strip.causal else mean_distance(shares, position),
        "diagonal_mass": mass_at(shares, position),
        "previous_token_mass": mass_at(shares, position - 1),
        "first_token_mass": shares[..., 0].clone(),  # the memory is used again
    }
