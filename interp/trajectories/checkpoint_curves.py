"""Checkpoint curves: numbers along one axis, a curve of every model or step of training."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result

ABOUT = About(
    title="A curve of every checkpoint",
    unit="that of the analysis",
    law="the analysis' own numbers, of every checkpoint of a sweep",
    source="headscope",
    null="that of the analysis, where it has one: pale lines",
    plain="One curve for every model or step of training. Where they lie on one another, training did not change what "
    "the analysis measures.",
)


@dataclass(frozen=True, repr=False)
class CheckpointCurves(Result):
    """The numbers of one field along one axis. value_null: NaN where the analysis has none."""

    drawn_by = "trajectories:checkpoint_curves_figure"

    value: Float[Tensor, "checkpoint place"]
    value_null: Float[Tensor, "checkpoint place"]
