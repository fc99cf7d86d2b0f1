"""Collapse in words: whether a model still tells two prompts apart, by their distance beside unrelated ones'."""

from headscope.interp.collapse.curves import CollapseCurves
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
