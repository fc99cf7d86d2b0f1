"""Composition: how much of what one head writes another reads, for every pair of heads in the order of layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.circuits.distance import score_weights
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights
from headscope.models.hosts.words import Sentence

COMPOSITION = About(
    title="Composition of heads",
    unit="1",
    law="‖A B‖ / (‖A‖ ‖B‖), Frobenius; A = W_OV of the writer, B = W_QK, W_QKᵀ or W_OV of the reader",
    source="Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
    null="the reader turned at random: root mean square, exactly 1/√d_model; spread to first order",
    plain=Sentence(
        "Whether a later head reads what an earlier head writes: as its query, its key or its value. Only weights "
        "are looked at, no {prompt}."
    ),
)
Factors = tuple[Float[Tensor, "layer head m d_head"], Float[Tensor, "layer head d_head n"]]
READS = ("query", "key", "value")
GRAM_ROWS = 64  # of d_model in each Gram that is formed at once


@dataclass(frozen=True, repr=False)
class Composition(Result):
    """Scores in [0, 1] of writer and reader by what is read; NaN where the reader's layer is not after the writer's.

    excess: score minus null. No flip and no change of basis inside a head changes any of them.
    """

    drawn_by = "circuits:composition_figure"

    score: Float[Tensor, "read writer_layer writer_head reader_layer reader_head"]
    score_null: Float[Tensor, "read writer_layer writer_head reader_layer reader_head"]
    score_null_spread: Float[Tensor, "read writer_layer writer_head reader_layer reader_head"]
    excess: Float[Tensor, "read writer_layer writer_head reader_layer reader_head"]


def composition_scores(weights: HeadWeights) -> Composition:
    """Q-, K- and V-composition of all pairs; W_QK at distance 0, or at that of score_weights(weights, rotation)."""
    scored = score_weights(weights)
    W_Q, W_K, W_V, W_O = scored.W_Q, scored.W_K, scored.W_V, scored.W_O
    reads = [(W_K, W_Q.mT), (W_Q, W_K.mT), (W_O.mT, W_V.mT)]
    score, spread = scores_of_all_pairs((W_V, W_O), reads)
    null = torch.full_like(score, W_Q.shape[-2] ** -0.5).where(~score.isnan(), torch.nan)
    return Composition(score, null, spread, score - null, about=COMPOSITION, labels={"read": READS})


def scores_of_all_pairs(written: Factors, reads: Sequence[Factors]) -> Float[Tensor, "2 read layer head layer head"]:
    """Scores and spreads, layer by layer of the readers, all reads of it together; reads: (left, right) of Bᵀ."""
    layers, heads = written[0].shape[:2]
    traces, purity = traces_of_pairs(written, reads), unit_purity(*written)
    purities = torch.stack([unit_purity(*read) for read in reads])
    result = traces.new_full((2, len(reads), layers, heads, layers, heads), torch.nan)
    for layer in range(1, layers):
        after = traces[:layer, :, layer], purity[:layer], purities[:, layer].flatten()
        pairs = pair_scores(*after, written[1].shape[-1])
        result[:, :, :layer, :, layer] = pairs.unflatten(-1, (len(reads), heads)).movedim(-2, 1)
    return result


def traces_of_pairs(written: Factors, reads: Sequence[Factors]) -> Float[Tensor, "layer head layer read_head"]:
    """tr(P S) of the unit Grams P of all writers and S of the readers after them, some rows of all Grams at a time."""
    layers, heads, d_model = written[0].shape[0], written[0].shape[1], written[1].shape[-1]
    writer, readers = unit_factor(*written), [unit_factor(*read) for read in reads]
    result = writer.new_zeros((layers, heads, layers, len(reads) * heads))
    for start in range(0, d_model, GRAM_ROWS):
        rows = slice(start, start + GRAM_ROWS)
        P = (written[1][..., rows].mT @ writer).flatten(-2)
        for layer in range(1, layers):
            parts = zip(reads, readers, strict=True)
            S = torch.cat([right[layer][..., rows].mT @ factor[layer] for (_, right), factor in parts]).flatten(-2)
            result[:layer, :, layer] += P[:layer] @ S.mT
    return result


def unit_factor(
    left: Float[Tensor, "*head m d_head"], right: Float[Tensor, "*head d_head d_model"]
) -> Float[Tensor, "*head d_head d_model"]:
    """C with the unit Gram (AB)ᵀ(AB) / ‖AB‖² = Bᵀ C, for AB = left @ right, without forming AB."""
    inner = left.mT @ left
    return (inner / squared_norm(inner, right)) @ right


def unit_purity(
    left: Float[Tensor, "*head m d_head"], right: Float[Tensor, "*head d_head d_model"]
) -> Float[Tensor, "*head"]:
    """tr P² of the unit Gram P of left @ right, from matrices of d_head × d_head."""
    inner = left.mT @ left
    product = (inner / squared_norm(inner, right)) @ (right @ right.mT)
    return (product * product.mT).sum((-2, -1))


def squared_norm(
    inner: Float[Tensor, "*head d_head d_head"], right: Float[Tensor, "*head d_head d_model"]
) -> Float[Tensor, "*head 1 1"]:
    """‖AB‖² from AᵀA and B."""
    return (inner * (right @ right.mT)).sum((-2, -1), keepdim=True)


def pair_scores(
    trace: Float[Tensor, "*writer reader"],
    writer_purity: Float[Tensor, "*writer"],
    reader_purity: Float[Tensor, "reader"],
    d: int,
) -> Float[Tensor, "2 *writer reader"]:
    """Scores and the null's spread from tr(P S), tr P², tr S² of unit Grams P = AᵀA and S = BBᵀ; trace: squared scores.

    With S turned by a random orthogonal matrix, tr(P S) has mean 1/d and variance
    2 (tr P² − 1/d)(tr S² − 1/d) / ((d − 1)(d + 2)); the score's spread follows from it to first order.
    """
    apart = [(purity - 1 / d).clamp_min(0) for purity in (writer_purity, reader_purity)]
    variance = 2 * apart[0][..., None] * apart[1] / ((d - 1) * (d + 2))
    return torch.stack([trace.clamp_min(0).sqrt(), (variance * d).sqrt() / 2])
