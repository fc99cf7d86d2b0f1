"""The masked softmax that several variants share, and its gradient."""

from jaxtyping import Bool, Float
from torch import Tensor


def masked_softmax(
    scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
) -> Float[Tensor, "batch head query key"]:
    """Softmax over the visible keys of each row; a row without any is all zeros, with a zero gradient."""
    # Dead rows keep their finite scores until the end: a row of -inf would turn its gradient into NaN.
    hidden = ~visible & visible.any(-1, keepdim=True)
    weights = scores.masked_fill(hidden, float("-inf")).softmax(-1)
    if weights.requires_grad:
        return weights.masked_fill(~visible, 0.0)
    return weights.masked_fill_(~visible, 0.0)  # no second copy of what is as large as all scores


def softmax_pullback(
    pattern: Float[Tensor, "batch head query key"], grad_pattern: Float[Tensor, "batch head query key"]
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = a ⊙ (∂L/∂a − Σ a ∂L/∂a), a being the softmax of p."""
    return pattern * (grad_pattern - (pattern * grad_pattern).sum(-1, keepdim=True))
