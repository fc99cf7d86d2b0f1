"""Divergence: how far one run's predictions are from another's."""

from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.run import at_least_float32


def divergence(
    reference: Float[Tensor, "*batch vocab"], other: Float[Tensor, "*batch vocab"]
) -> Float[Tensor, "*batch"]:
    """KL(reference ‖ other) in nats, of the softmax of logits, in float32 at least; 0 for equal logits, never below."""
    expected, result = (at_least_float32(logits).log_softmax(-1) for logits in (reference, other))
    return (expected.exp() * (expected - result)).sum(-1).clamp(min=0)
