"""Collapse in words: whether a model still tells two prompts apart, by their distance beside unrelated ones'."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.collapse.distances import STEPS, UNLIKE
from headscope.interp.results.nulls import NEAR

ROUNDING = 1e-5  # of what unrelated prompts are apart: less is what rounding leaves


def collapse_in_words(curves: CollapseCurves) -> str:
    """One or two sentences: are the two prompts told apart after the final norm, and from which n on are they not?"""
    distance, null, spread = (
        field[0, -1].double() for field in (curves.distance, curves.distance_null, curves.distance_null_spread)
    )
    n, share = curves.lengths[-1], float(distance[-1] / null[-1])
    apart = (
        f"after the final norm they are {float(distance[-1]):.3g} apart at n = {n}, two unrelated prompts "
        f"{float(null[-1]):.3g} ± {float(spread[-1]):.2g}"
    )
    if share < ROUNDING:
        kept = (distance >= ROUNDING * null).nonzero()
        first = curves.lengths[int(kept.max()) + 1 if len(kept) else 0]
        return f"This model collapses: the two prompts cannot be told apart from n = {first} on; {apart}."
    if float(null[-1] - distance[-1]) <= NEAR * float(spread[-1]):
        return f"This model tells the two prompts apart as well as unrelated ones: {apart}."
    trend = trend_in_words(float(distance[-1] / distance[0])) if len(distance) > 1 and float(distance[0]) > 0 else ""
    return f"This model tells the two prompts apart, but less than unrelated ones ({share:.2g} of it): {apart}.{trend}"


def trend_in_words(ratio: float) -> str:
    """How the distance changed from the shortest prompts to the longest, as a sentence that follows another."""
    if 0.5 <= ratio <= 2:
        return ""
    way = "harder" if ratio < 1 else "easier"
    return f" Longer prompts are {way} to tell apart: {ratio:.2g} times the first distance."


def rounded_in_words(curves: CollapseCurves) -> str:
    """One or two sentences: from which n on are both prompts the same to bfloat16, and their answers alike?"""
    unlike, null, spread = (
        field[UNLIKE, -1] for field in (curves.distance, curves.distance_null, curves.distance_null_spread)
    )
    chance = f"of unrelated prompts {100 * float(null[-1]):.3g} ± {100 * float(spread[-1]):.2g} % do"
    if n := equal_from(unlike, curves.lengths):
        words = f"Rounded to bfloat16, both last residuals are one vector from n = {n} on, whose entries differ nowhere"
        return f"{words}; {chance}.{answers_in_words(curves)}"
    steps, of_null = (float(field[STEPS, -1, -1]) for field in (curves.distance, curves.distance_null))
    words = f"Rounded to bfloat16, {100 * float(unlike[-1]):.3g} % of the last residual's entries differ"
    words = f"{words} at n = {curves.lengths[-1]}, {steps:.3g} steps of bfloat16 apart"
    return f"{words}; {chance}, {of_null:.3g} steps apart.{answers_in_words(curves)}"


def answers_in_words(curves: CollapseCurves) -> str:
    """Whether the likeliest token and all logits become the same, as sentences that follow another; "" of no logits."""
    if curves.answer_differs is None or curves.logits_unlike is None or curves.answer_differs_null is None:
        return ""
    n, chance = equal_from(curves.answer_differs, curves.lengths), float(curves.answer_differs_null.mean())
    same = f"is the same from n = {n} on" if n else f"differs at n = {curves.lengths[-1]}"
    rounded = equal_from(curves.logits_unlike, curves.lengths)
    also = f", and all logits round alike from n = {rounded} on" if rounded else ""
    return f" The likeliest token {same} (unrelated prompts: it differs for {100 * chance:.3g} %){also}."


def equal_from(apart: Float[Tensor, "n"], lengths: Sequence[int]) -> int | None:
    """The first n from which on there is no distance, or None."""
    there = apart.nonzero()
    first = int(there.max()) + 1 if len(there) else 0
    return lengths[first] if first < len(lengths) else None
