"""The row of trajectories in the table of analyses: how a model's own training went."""

from pathlib import Path

from interp.analysis import Asked, Probe
from interp.trajectories.trajectory import Trajectory, trajectory
from interp.watch import Watch

NUMBERS = (
    "negative_mass.minority_mass",
    "deletion.net_copy",
    "copying.magnitude",
    "residual_geometry.mean_cosine",
    "sinks.share",
    "prompt_copying.copying",
)


def trained(asked: Asked, watch: Watch) -> Trajectory:
    """NUMBERS over the snapshots of the run."""
    from interp.trajectories.finding import finding  # a measure may be any analysis, which this table is part of

    run = Path(asked.run or "").resolve()
    return trajectory({run.name: run}, finding(asked.prompts, *NUMBERS), watch, "Over the snapshots of training")


PROBES = (
    Probe(
        "trajectory",
        "how a few numbers changed over the snapshots of a training run",
        trained,
        together=True,
        missing=lambda asked: "" if asked.run else "needs the folder of a training run with snapshots: give one",
    ),
)
