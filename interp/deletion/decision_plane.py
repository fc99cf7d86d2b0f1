"""Decision plane: whether a head chooses copying or deletion by its weights on a prompt or by its OV circuit."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.deletion.quadrants import dealt_masses, quadrant_masses, quadrant_shares
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of, shuffled_signs
from headscope.interp.results.result import Result

BELOW_NULL = "where most is contributed, signs agree more than signs dealt anew would"
ABOUT = About(
    title="Dynamic and static decision",
    unit="1",
    law="dynamic = 1 − |E[sign A]|, static = 1 − |E[sign OV]|, E weighted by |C| over destinations and sources",
    source="headscope",
    null=f"signs dealt anew: of the pattern within each row, of the OV terms among the sources; below it: {BELOW_NULL}",
    plain="Who decides between copying and deletion? Static: always the same sign of weight, so the OV circuit "
    "decides. Dynamic: the sign of the weight changes from token to token, so attention decides.",
)


@dataclass(frozen=True, repr=False)
class DecisionPlane(Result):
    """Both numbers of every head, in [0, 1]; 1: both signs weigh the same; NaN where nothing is contributed.

    dynamic is 0 for every kernel without negative weights, static is 0 where the OV circuit acts with one sign. An odd
    kernel's flip turns all signs of A and of OV at once and leaves both numbers alone.
    """

    drawn_by = "decision_plane:decision_plane_figure"

    dynamic: Float[Tensor, "layer head"]
    dynamic_null: Float[Tensor, "layer head"]
    dynamic_null_spread: Float[Tensor, "layer head"]
    static: Float[Tensor, "layer head"]
    static_null: Float[Tensor, "layer head"]
    static_null_spread: Float[Tensor, "layer head"]


def decision_plane(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
) -> DecisionPlane:
    """All heads on the plane; the arguments are those of `quadrants`."""
    dynamic, static = _decisions(quadrant_masses(pattern, ov, scale))
    null = null_of(lambda dice: _decisions(dealt_masses(pattern, shuffled_signs(ov, dice), scale, dice)))
    return DecisionPlane(
        dynamic=dynamic,
        dynamic_null=null.mean[0],
        dynamic_null_spread=null.spread[0],
        static=static,
        static_null=null.mean[1],
        static_null_spread=null.spread[1],
        about=ABOUT,
    )


def _decisions(mass: Float[Tensor, "layer head quadrant"]) -> Float[Tensor, "2 layer head"]:
    """1 − |E[sign]| is twice the smaller of the two signs' shares."""
    share = quadrant_shares(mass).unflatten(-1, (2, 2))
    return 2 * torch.stack([share.sum(-1).amin(-1), share.sum(-2).amin(-1)])
