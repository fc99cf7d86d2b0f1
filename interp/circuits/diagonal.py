"""Diagonal: where a token stands among all tokens that a head's OV circuit raises when it reads that very token."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights

DIAGONAL = About(
    title="Rank of the diagonal of the OV circuit",
    unit="1",
    law="share of entries below the diagonal minus share above it, mean over tokens; 1 copies, −1 suppresses; "
    "W_U less its mean over the vocabulary",
    source="McDougall et al. 2023, Copy Suppression; signed, and in both directions: headscope",
    null="heads of random W_V and W_O, same tokens; one for all heads, whose norms the ranks do not know",
    by_gauge={"odd": ("row_rank", "column_rank", "top_share", "bottom_share")},
    plain="For every token that a head may read: is that token among those it raises most, or lowers most? A check of"
    " the copying score, which eigenvalues alone can mislead.",
)
DRAWS = 16
TOKENS = 256
BLOCK = 64


@dataclass(frozen=True, repr=False)
class DiagonalRanks(Result):
    """Means over the tokens looked at, of the entry [t, t] among all of its row (targets) and column (sources).

    row_rank, column_rank: 1 the highest, −1 the lowest, 0 the middle. top_share, bottom_share: the share of tokens
    whose entry is among the k highest or lowest of its row; extreme_share their sum. The flip of an odd kernel changes
    the sign of the ranks and swaps top and bottom; magnitudes and the extreme share stay.
    """

    drawn_by = "circuits:diagonal_figure"

    row_rank: Float[Tensor, "layer head"]
    column_rank: Float[Tensor, "layer head"]
    top_share: Float[Tensor, "layer head"]
    bottom_share: Float[Tensor, "layer head"]
    extreme_share: Float[Tensor, "layer head"]
    row_rank_null: Float[Tensor, "layer head"]
    column_rank_null: Float[Tensor, "layer head"]
    top_share_null: Float[Tensor, "layer head"]
    bottom_share_null: Float[Tensor, "layer head"]
    extreme_share_null: Float[Tensor, "layer head"]
    row_rank_null_spread: Float[Tensor, "layer head"]
    column_rank_null_spread: Float[Tensor, "layer head"]
    top_share_null_spread: Float[Tensor, "layer head"]
    bottom_share_null_spread: Float[Tensor, "layer head"]
    extreme_share_null_spread: Float[Tensor, "layer head"]
    k: int
    tokens: int


def diagonal_ranks(
    weights: HeadWeights,
    embedding: Float[Tensor, "vocab d_model"] | None = None,
    tokens: int | None = TOKENS,
    k: int = 10,
    watch: Watch = watch_nothing,
) -> DiagonalRanks:
    """Ranks over a sample of tokens, the same in every call, or over all (None); embedding: in W_E's place.

    watch: called after every head, those of the null among them.
    Raises ValueError for no tokens, and for a k whose top and bottom would overlap.
    """
    read = weights.W_E if embedding is None else embedding
    if not 0 < k <= len(read) // 2:
        raise ValueError(f"the top and bottom {k} of {len(read)} tokens were asked for: give 1 to {len(read) // 2}")
    chosen = sampled_token_ids(len(read), tokens)
    step = step_counter(watch, weights.W_V.shape[:2].numel() + DRAWS)

    def of_head(
        W_V: Float[Tensor, "d_model d_head"], W_O: Float[Tensor, "d_head d_model"]
    ) -> Float[Tensor, "statistic"]:
        statistics = diagonal_statistics(read @ W_V, W_O @ weights.W_U_centred, chosen, k)
        step()
        return statistics

    heads = zip(weights.W_V.flatten(0, 1), weights.W_O.flatten(0, 1), strict=True)
    result = torch.stack([of_head(*head) for head in heads], -1).unflatten(-1, weights.shape)

    def of_a_random_head(dice: torch.Generator) -> Float[Tensor, "statistic"]:
        W_V, W_O = (torch.randn(W.shape[-2:], generator=dice, dtype=W.dtype) for W in (weights.W_V, weights.W_O))
        return of_head(W_V, W_O)

    null = null_of(of_a_random_head, DRAWS)
    mean, spread = (of[:, None, None].expand_as(result) for of in (null.mean, null.spread))
    return DiagonalRanks(*result, *mean, *spread, k=k, tokens=len(chosen), about=DIAGONAL)


def sampled_token_ids(vocabulary: int, tokens: int | None) -> Int[Tensor, "token"]:
    """Ids of a sample without repeats, or of the whole vocabulary where that is no larger."""
    if tokens is not None and tokens < 1:
        raise ValueError(f"{tokens} tokens were asked for: give at least 1, or None for all {vocabulary}")
    if tokens is None or tokens >= vocabulary:
        return torch.arange(vocabulary)
    return torch.randperm(vocabulary, generator=torch.Generator().manual_seed(0))[:tokens].sort().values


def diagonal_statistics(
    sources: Float[Tensor, "vocab d_head"],
    targets: Float[Tensor, "d_head vocab"],
    tokens: Int[Tensor, "token"],
    k: int,
) -> Float[Tensor, "statistic"]:
    """row_rank, column_rank, top_share, bottom_share and extreme_share of the circuit sources @ targets, by blocks."""
    rows, columns = [], []
    for block in tokens.split(BLOCK):
        own = (sources[block] * targets[:, block].T).sum(-1)
        rows.append(signed_rank(sources[block] @ targets, own, block))
        columns.append(signed_rank((sources @ targets[:, block]).T, own, block))
    row, column = torch.cat(rows), torch.cat(columns)
    edge = 1 - (2 * k - 1) / (len(sources) - 1)
    top, bottom = (row > edge).to(row.dtype).mean(), (row < -edge).to(row.dtype).mean()
    return torch.stack([row.mean(), column.mean(), top, bottom, top + bottom])


def signed_rank(
    lines: Float[Tensor, "token vocab"], own: Float[Tensor, "token"], tokens: Int[Tensor, "token"]
) -> Float[Tensor, "token"]:
    """Of each line's other entries, the share below its own entry minus the share above it."""
    others = lines.scatter(-1, tokens[:, None], own[:, None])  # its own entry ties with itself, to the last bit
    below, above = (others < own[:, None]).sum(-1), (others > own[:, None]).sum(-1)
    return (below - above).to(lines.dtype) / (lines.shape[-1] - 1)
