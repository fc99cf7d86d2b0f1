"""What E9 draws."""

from collections.abc import Mapping

from headscope.interp.arms.outcome import Outcome
from headscope.interp.results.result import Result


def results(outcome: Outcome) -> Mapping[str, Result]:
    """By name."""
    return {}
