"""Decision plane: whether a head chooses copying or deletion by its weights on a prompt or by its OV circuit."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.deletion.quadrants import quadrant_masses, quadrant_shares
from headscope.interp.results.about import About
from headscope.interp.results.nulls import Null
from headscope.interp.results.result import Result
from headscope.interp.results.sign_nulls import (
    Moments,
    magnitude_of_sum,
    negative_sum,
    null_of_moments,
    rarer,
    row_sums,
    scaled,
)
from headscope.models.attention.fused.scratch import Scratch

BELOW_NULL = "where most is contributed, signs agree more than signs dealt anew would"
ABOUT = About(
    title="Dynamic and static decision",
    unit="1",
    law="dynamic = 1 − |E[sign A]|, static = 1 − |E[sign OV]|, E weighted by |C| over queries and keys",
    source="headscope",
    null=f"signs dealt anew: of the pattern within each row, of the OV terms among the keys; below it: {BELOW_NULL}",
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
    layers = list(zip(pattern, ov, scale, strict=True))
    nulls = [[null(*layer) for layer in layers] for null in (dynamic_null, static_null)]
    means, spreads = (
        [torch.stack([getattr(layer, name) for layer in kind]) for kind in nulls] for name in ("mean", "spread")
    )
    return DecisionPlane(
        dynamic=dynamic,
        dynamic_null=means[0],
        dynamic_null_spread=spreads[0],
        static=static,
        static_null=means[1],
        static_null_spread=spreads[1],
        about=ABOUT,
    )


def _decisions(mass: Float[Tensor, "layer head quadrant"]) -> Float[Tensor, "2 layer head"]:
    """1 − |E[sign]| is twice the smaller of the two signs' shares."""
    share = quadrant_shares(mass).unflatten(-1, (2, 2))
    return 2 * torch.stack([share.sum(-1).amin(-1), share.sum(-2).amin(-1)])


def dynamic_null(
    pattern: Float[Tensor, "head query key"], ov: Float[Tensor, "head key"], scale: Float[Tensor, "query 1"]
) -> Null:
    """Of one layer: the share of A− over all deals of its signs, a sum over rows and so taken as normal."""
    sums = row_sums(pattern, ov.abs()[..., None])
    by_row = scaled(negative_sum(sums), 1 / scale)
    negative = Moments(by_row.mean.sum((1, 2)), by_row.variance.sum((1, 2)))
    share = scaled(negative, 1 / (sums.total / scale).sum((1, 2)))
    return null_of_moments(scaled(rarer(share), torch.tensor(2.0)), pattern)


def static_null(
    pattern: Float[Tensor, "head query key"], ov: Float[Tensor, "head key"], scale: Float[Tensor, "query 1"]
) -> Null:
    """Of one layer: 1 − abs(Σ sign(OV) w) / Σ w over all deals of signs among the keys, w = Σ abs(C) of a key."""
    scratch = Scratch()
    reach = torch.stack([(1 / scale[:, 0]) @ torch.abs(head, out=scratch.like("magnitude", head)) for head in pattern])
    sums = row_sums((reach * ov)[:, None], with_large=True)
    cells, negative = (kind.sum(-1)[:, None, None].to(sums.cells) for kind in (ov != 0, ov < 0))
    left = scaled(magnitude_of_sum(replace(sums, cells=cells, negative=negative)), 1 / sums.total)
    return null_of_moments(Moments(1 - left.mean[:, 0, 0], left.variance[:, 0, 0]), pattern)
