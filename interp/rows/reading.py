"""Reading: everything that is read of some rows of a pattern, each number beside its null."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from headscope.interp.results.gauges import Gauge
from headscope.interp.results.nulls import softmax_twin
from headscope.interp.rows.measures import measures, measures_of_equal_weights, sharpness
from headscope.models.attention import variant_named
from headscope.models.attention.options import Options

TOP = 5
BESIDE_NULL = (
    "top_mass",
    "max_share",
    "mean_distance",
    "diagonal_mass",
    "previous_token_mass",
    "first_token_mass",
)
BESIDE_TWIN = ("entropy", "normalised_entropy", "participation", "spikiness", "row_norm", "jacobian_norm")
BASELINE = "softmax"


@dataclass(frozen=True)
class Reading:
    """How rows are read: as which variant's weights, by which options of its kernel, and how many keys are the top.

    variant: empty of weights that no kernel made of scores. gauges: those of the kernel.
    """

    variant: str
    kernel: Options = field(default_factory=dict[str, object])
    top: int = TOP
    gauges: tuple[Gauge, ...] = ()


NO_KERNEL = Reading("")


@dataclass(frozen=True)
class Rows:
    """The rows of some layers under one reading: every measure by name, its null as `x_null`, and visible_keys."""

    reading: Reading
    measures: Mapping[str, Num[Tensor, "layer head query"]]


def rows_of(
    reading: Reading,
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    visible: Bool[Tensor, "*#batch query key"],
    position: Int[Tensor, "query"],
) -> dict[str, Num[Tensor, "*batch query"]]:
    """What RowCurves holds, of some rows whose scores the kernel weighed; NaN of what asks for scores without one."""
    n = visible.sum(-1)
    result = measures(pattern, n, position, reading.top)
    nothing = torch.full_like(result["entropy"], math.nan)
    twin, result["jacobian_norm"] = dict.fromkeys(BESIDE_TWIN, nothing), nothing
    if reading.variant:
        row, baseline = variant_named(reading.variant), variant_named(BASELINE)
        result["jacobian_norm"] = row.jacobian_norm(pattern, scores, visible, **reading.kernel)
        twin = result if row.weigh is baseline.weigh else rows_of_twin(scores, visible)
    equal = measures_of_equal_weights(visible, position, reading.top, pattern.dtype)
    nulls = {**{name: twin[name] for name in BESIDE_TWIN}, **equal}
    shape = pattern.shape[:-1]
    return {
        **result,
        **{f"{name}_null": null.expand(shape) for name, null in nulls.items()},
        "visible_keys": n.expand(shape),
    }


def rows_of_twin(
    scores: Float[Tensor, "*batch query key"], visible: Bool[Tensor, "*#batch query key"]
) -> dict[str, Float[Tensor, "*batch query"]]:
    """What BESIDE_TWIN names, of softmax of the same scores; its weights are their own shares."""
    twin, n = softmax_twin(scores, visible), visible.sum(-1)
    jacobian = variant_named(BASELINE).jacobian_norm(twin, scores)
    shares = {name: value.where(n > 0, math.nan) for name, value in sharpness(twin, n).items()}
    return {**shares, "row_norm": twin.norm(dim=-1), "jacobian_norm": jacobian}
