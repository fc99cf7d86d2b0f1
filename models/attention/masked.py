"""The masked softmax that several variants share."""

from jaxtyping import Bool, Float
from torch import Tensor


def masked_softmax(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Softmax over the visible keys of each row; a row without any is all zeros, with a zero gradient."""
    # Dead rows keep their finite scores until the end: a row of -inf would turn its gradient into NaN.
    hidden = ~visible & visible.any(-1, keepdim=True)
    return scores.masked_fill(hidden, float("-inf")).softmax(-1).masked_fill(~visible, 0.0)
