"""Ranked sample: entries [t, t] of a head's OV circuit for some tokens t, among those of others in row and column."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.weights.head_weights import HeadWeights

BLOCK = 64  # tokens that are ranked at once
LINES = 256  # whole rows that are looked at at once


@dataclass(frozen=True)
class RankedSample:
    """Which tokens are ranked among which others, in rising order, and what a head reads and writes of them.

    k: how many entries of a row are its end. W_U less its mean over the vocabulary.
    """

    tokens: Int[Tensor, "token"]
    others: Int[Tensor, "other"]
    vocabulary: int
    k: int
    W_E: Float[Tensor, "token d_model"]
    W_U: Float[Tensor, "d_model token"]
    W_E_others: Float[Tensor, "other d_model"]
    W_U_others: Float[Tensor, "d_model other"]

    @property
    def is_whole(self) -> bool:
        """Whether tokens are ranked among the whole vocabulary."""
        return len(self.others) == self.vocabulary

    @property
    def edge(self) -> float:
        """A token whose rank among the whole vocabulary is above it is among the k highest."""
        return 1 - (2 * self.k - 1) / (self.vocabulary - 1)


@dataclass(frozen=True)
class Ranks:
    """The rank of every token among the others of its line, and the standard error of their mean."""

    value: Float[Tensor, "token"]
    error: Float[Tensor, ""]


@dataclass(frozen=True)
class HeadRanks:
    """A head's ranks in rows and columns; ends: places of the tokens that may stand at an end of their whole row.

    written: what the head writes to the residual stream when it reads those tokens.
    """

    row: Ranks
    column: Ranks
    ends: Int[Tensor, "end"]
    written: Float[Tensor, "end d_model"]


def ranked_sample(
    weights: HeadWeights,
    read: Float[Tensor, "vocab d_model"],
    tokens: Int[Tensor, "token"],
    others: Int[Tensor, "other"],
    k: int,
) -> RankedSample:
    """The sample with the vectors that it needs; read: in the place of W_E."""
    mean = weights.W_U.mean(1, keepdim=True)
    targets, other_targets = (weights.W_U[:, ids] - mean for ids in (tokens, others))
    return RankedSample(tokens, others, len(read), k, read[tokens], targets, read[others], other_targets)


def head_ranks(
    W_V: Float[Tensor, "d_model d_head"], W_O: Float[Tensor, "d_head d_model"], sample: RankedSample
) -> HeadRanks:
    """The ranks of every token for one head.

    Whose own entry has k others of the sample above it has them in its row, too, and is not at its end.
    """
    sources, targets = sample.W_E @ W_V, W_O @ sample.W_U
    own = (sources * targets.T).sum(-1)
    row = ranks(own, sources, W_O @ sample.W_U_others, sample)
    column = ranks(own, targets.T, (sample.W_E_others @ W_V).T, sample)
    beyond = (1 - row.value.abs()) * len(sample.others)
    ends = (beyond <= 2 * sample.k).nonzero()[:, 0]
    return HeadRanks(row, column, ends, sources[ends] @ W_O)


def ranks(
    own: Float[Tensor, "token"],
    factor: Float[Tensor, "token d_head"],
    others: Float[Tensor, "d_head other"],
    sample: RankedSample,
) -> Ranks:
    """Of the lines factor @ others, by blocks; the token itself is none of its others.

    The error is that of a sample of tokens and of a sample of others, both without repeats: less by the share of the
    vocabulary that was drawn.
    """
    places = torch.searchsorted(sample.others, sample.tokens).clamp_max(len(sample.others) - 1)
    is_there = sample.others[places] == sample.tokens
    of_tokens, of_others = [], own.new_zeros(len(sample.others))
    for at in torch.arange(len(own)).split(BLOCK):
        above = (own[at, None] - factor[at] @ others).sign_()
        above[is_there[at].nonzero()[:, 0], places[at][is_there[at]]] = 0
        of_tokens.append(above.sum(-1))
        of_others += above.sum(0)
    value = torch.cat(of_tokens) / (len(sample.others) - is_there.long()).clamp_min(1)
    parts = (value, of_others / len(own))
    variance = [part.var(correction=0) / len(part) * (1 - len(part) / sample.vocabulary) for part in parts]
    return Ranks(value, (variance[0] + variance[1]).sqrt())


def end_shares(
    heads: Sequence[HeadRanks], sample: RankedSample, W_U: Float[Tensor, "d_model vocab"]
) -> Float[Tensor, "2 head"]:
    """The share of tokens whose entry is among the k highest, and the k lowest, of its whole row."""
    counts = [len(head.ends) for head in heads]
    if sample.is_whole:
        rank = torch.cat([head.row.value[head.ends] for head in heads])
    else:
        tokens = torch.cat([sample.tokens[head.ends] for head in heads])
        rank = whole_row_ranks(torch.cat([head.written for head in heads]), tokens, W_U)
    at_ends = torch.stack([rank > sample.edge, rank < -sample.edge]).to(rank.dtype)
    return torch.stack([part.sum(-1) for part in at_ends.split(counts, -1)], -1) / len(sample.tokens)


def whole_row_ranks(
    written: Float[Tensor, "line d_model"], tokens: Int[Tensor, "line"], W_U: Float[Tensor, "d_model vocab"]
) -> Float[Tensor, "line"]:
    """The rank of each token's entry in its whole row; a row's mean, which is not taken off, moves all of it alike."""
    result = written.new_empty(len(written))
    for at in torch.arange(len(written)).split(LINES):
        lines = written[at] @ W_U
        own = lines.gather(-1, tokens[at, None])
        result[at] = (own - lines).sign_().sum(-1) / (lines.shape[-1] - 1)
    return result
