"""Full circuits: what a head does from token to token, as products of thin matrices that are never multiplied out."""

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from headscope.interp.circuits.distance import score_weights
from headscope.interp.weights.head_weights import HeadWeights

if TYPE_CHECKING:
    from transformer_lens import FactoredMatrix


def full_ov(
    weights: HeadWeights, layer: int, head: int, embedding: Float[Tensor, "vocab d_model"] | None = None
) -> "FactoredMatrix":
    """W_E W_V W_O W_U [source, target]: what attending to a source token adds to the logit of each target token.

    W_U less its mean over the vocabulary: in logits against their mean, times the norms' scales, without biases and
    temperatures. embedding: in W_E's place, such as the effective one. Elhage et al. 2021. Its sign is the gauge's for
    an odd kernel.
    """
    from transformer_lens import FactoredMatrix

    read, at = weights.W_E if embedding is None else embedding, weights.of_head(layer, head)
    return FactoredMatrix(read @ weights.W_V[at], weights.W_O[at] @ weights.W_U_centred)


def full_qk(
    weights: HeadWeights, layer: int, head: int, embedding: Float[Tensor, "vocab d_model"] | None = None
) -> "FactoredMatrix":
    """W_E W_QK W_Eᵀ [query, key]: the score q·k of a query token and a key token, before its scale.

    In units of the norms' scales, without biases and temperatures; at distance 0, or at that of score_weights(weights,
    rotation). embedding: in W_E's place. Elhage et al. 2021. Its sign is the gauge's for odd and for even kernels.
    """
    from transformer_lens import FactoredMatrix

    scored, read = score_weights(weights), weights.W_E if embedding is None else embedding
    at = weights.of_head(layer, head)
    return FactoredMatrix(read @ scored.W_Q[at], (read @ scored.W_K[at]).T)
