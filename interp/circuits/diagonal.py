"""Diagonal: where a token stands among the tokens that a head's OV circuit raises when it reads that very token."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.circuits.ranked_sample import (
    HeadRanks,
    RankedSample,
    end_shares,
    head_ranks,
    ranked_sample,
)
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights

DIAGONAL = About(
    title="Rank of the diagonal of the OV circuit",
    unit="1",
    law="share of entries below the diagonal minus share above it, mean over tokens, both of a sample; 1 copies, "
    "−1 suppresses; W_U less its mean over the vocabulary",
    source="McDougall et al. 2023, Copy Suppression; signed, and in both directions: headscope",
    null="heads of random W_V and W_O, same tokens; one for all heads, whose norms the ranks do not know",
    by_gauge={"odd": ("row_rank", "column_rank", "top_share", "bottom_share")},
    plain="For every token that a head may read: is that token among those it raises most, or lowers most? A check of"
    " the copying score, which eigenvalues alone can mislead.",
)
Factors = tuple[Float[Tensor, "d_model d_head"], Float[Tensor, "d_head d_model"]]
DRAWS = 16
TOKENS, OTHERS = 256, 4096


@dataclass(frozen=True, repr=False)
class DiagonalRanks(Result):
    """Means over the tokens looked at, of the entry [t, t] among those of its row (targets) and column (sources).

    row_rank, column_rank: 1 the highest, −1 the lowest, 0 the middle; with the standard errors that come of looking at
    a sample of tokens and at a sample of the others, 0 where all are looked at. top_share, bottom_share: the share of
    tokens whose entry is among the k highest or lowest of its whole row; extreme_share their sum. The flip of an odd
    kernel changes the sign of the ranks and swaps top and bottom; magnitudes and the extreme share stay.
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
    row_rank_error: Float[Tensor, "layer head"]
    column_rank_error: Float[Tensor, "layer head"]
    k: int
    tokens: int
    others: int


def diagonal_ranks(
    weights: HeadWeights,
    embedding: Float[Tensor, "vocab d_model"] | None = None,
    tokens: int | None = TOKENS,
    k: int = 10,
    watch: Watch = watch_nothing,
    others: int | None = OTHERS,
) -> DiagonalRanks:
    """Ranks over a sample of tokens among a sample of others, the same in every call; None: all, which is exact.

    embedding: in W_E's place. watch: called after every head, those of the null among them. The shares of top and
    bottom are exact for the tokens that are looked at. Raises ValueError for no tokens or others, and for a k whose top
    and bottom would overlap.
    """
    read = weights.W_E if embedding is None else embedding
    if not 0 < k <= len(read) // 2:
        raise ValueError(f"the top and bottom {k} of {len(read)} tokens were asked for: give 1 to {len(read) // 2}")
    ids = sampled_token_ids(len(read), tokens), sampled_token_ids(len(read), others, seed=1)
    sample = ranked_sample(weights, read, *ids, k)
    step = step_counter(watch, weights.W_V.shape[:2].numel() + DRAWS)
    heads = [ranks_of(head, sample, step) for head in (*heads_of(weights), *random_heads(weights))]
    means, ends = torch.stack([mean_ranks(head) for head in heads], -1), end_shares(heads, sample, weights.W_U)
    statistics = torch.cat([means, ends, ends.sum(0, keepdim=True)])
    result, drawn = statistics[:, :-DRAWS].unflatten(-1, weights.shape), statistics[:, -DRAWS:]
    mean, spread = (of[:, None, None].expand_as(result) for of in (drawn.mean(-1), drawn.std(-1, correction=0)))
    errors = [torch.stack([head.row.error, head.column.error]) for head in heads[:-DRAWS]]
    return DiagonalRanks(
        *result,
        *mean,
        *spread,
        *torch.stack(errors, -1).unflatten(-1, weights.shape),
        k=k,
        tokens=len(sample.tokens),
        others=len(sample.others),
        about=DIAGONAL,
    )


def mean_ranks(head: HeadRanks) -> Float[Tensor, "2"]:
    """In rows and in columns."""
    return torch.stack([head.row.value.mean(), head.column.value.mean()])


def ranks_of(head: Factors, sample: RankedSample, step: Callable[[], None]) -> HeadRanks:
    """The ranks of a head, counted."""
    ranks = head_ranks(*head, sample)
    step()
    return ranks


def heads_of(weights: HeadWeights) -> Iterator[Factors]:
    """W_V and W_O of every head."""
    yield from zip(weights.W_V.flatten(0, 1), weights.W_O.flatten(0, 1), strict=True)


def random_heads(weights: HeadWeights) -> Iterator[Factors]:
    """W_V and W_O of the null's heads, the same in every call."""
    dice = torch.Generator().manual_seed(0)
    for _ in range(DRAWS):
        W_V, W_O = (torch.randn(W.shape[-2:], generator=dice, dtype=W.dtype) for W in (weights.W_V, weights.W_O))
        yield W_V, W_O


def sampled_token_ids(vocabulary: int, tokens: int | None, seed: int = 0) -> Int[Tensor, "token"]:
    """Ids of a sample without repeats, or of the whole vocabulary where that is no larger."""
    if tokens is not None and tokens < 1:
        raise ValueError(f"{tokens} tokens were asked for: give at least 1, or None for all {vocabulary}")
    if tokens is None or tokens >= vocabulary:
        return torch.arange(vocabulary)
    return torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))[:tokens].sort().values
