"""Row sums: what an output without its pattern was divided by."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class RowSums:
    """An output without its pattern, and ln Σ h of its rows, of a kernel that is an exponential."""

    output: Float[Tensor, "batch head query d_value"]
    log_total: Float[Tensor, "batch head query 1"]
