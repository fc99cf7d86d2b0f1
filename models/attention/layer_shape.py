"""Layer shape: what a layer tells the learned parts of a variant of itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerShape:
    """Head count, and the widths of W_Q x and W_V x."""

    n_heads: int
    query_width: int
    value_width: int
