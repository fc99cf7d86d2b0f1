"""Distance curves: D(n) of two growing prompts beside that of unrelated ones, and with which power of n they fall."""

from collections.abc import Sequence

from headscope.interp.arms.trial import Numbers
from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.experiments.engine.log_slope import log_slope

DISTANCE = "chunked L∞ norm"  # as in the published code of Lv et al. 2024


def curve_numbers(curves: CollapseCurves) -> Numbers:
    """n, D(n) and that of unrelated prompts after the final norm, and both slopes."""
    numbers: Numbers = {"n": list(curves.lengths)}
    for name, distance in {"": final_distance(curves), "unrelated ": final_distance(curves, unrelated=True)}.items():
        numbers[f"{name}distance"] = distance
        numbers[f"{name}slope"] = distance_slope(curves.lengths, distance)
    return numbers


def final_distance(curves: CollapseCurves, *, unrelated: bool = False) -> list[float]:
    """D(n) after the final norm, of the pairs or of unrelated prompts."""
    distance = curves.distance_null if unrelated else curves.distance
    return distance[curves.labels["distance"].index(DISTANCE), -1].tolist()


def distance_slope(n: Sequence[int], distance: Sequence[float]) -> float:
    """d ln D / d ln n over all n; NaN where a distance is 0."""
    return log_slope(n, distance) if min(distance) > 0 else float("nan")
