"""Head score: one number per head beside its null; what detectors and circuit scores return."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.result import Result


@dataclass(frozen=True, repr=False)
class HeadScore(Result):
    """A score of every head, and mean and standard deviation of its null (about.null says which)."""

    drawn_by = "heads:head_score_figure"

    value: Float[Tensor, "layer head"]
    value_null: Float[Tensor, "layer head"] | None = None
    value_null_spread: Float[Tensor, "layer head"] | None = None


def head_name(layer: int, head: int) -> str:
    """L3H0."""
    return f"L{layer}H{head}"
