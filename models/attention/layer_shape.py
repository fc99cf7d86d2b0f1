"""Layer shape: what a layer tells the learned parts of a variant of itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerShape:
    """Head count, and the widths of W_Q x and W_V x; of x, and of what a head puts out; which layer it is, from 0."""

    n_heads: int
    query_width: int
    value_width: int
    model_width: int = 0
    output_size: int = 0
    number: int = 0
