"""Similar runs: how alike heads are by their attention, read off strips of rows of runs that keep no pattern."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.pattern_summary import row_strips
from headscope.interp.heads.similar_heads import TINY, SimilarHeads, magnitude_shares, similar_heads_of_likeness
from headscope.interp.reading.watch import Progress

Heads = Sequence[tuple[int, int]]  # layers and heads
STRIP_SHARES = 1 << 22  # sixteen megabytes of shares


def likeness_of_heads(run: AttentionRun, watch: Progress = lambda *stage: None) -> Float[Tensor, "head other"]:
    """The cosine of the shares of every pair of a run's heads, in the order of heads_of; one walk over its rows."""
    heads = heads_of(run)
    products = torch.zeros(len(heads), len(heads), dtype=torch.float64)
    for strip in row_strips(len(run.tokens), len(heads), STRIP_SHARES, most=len(run.tokens)):
        watch("comparing heads by their rows", strip.start, len(run.tokens))
        shares = shares_of_rows(run, strip)
        products += (shares @ shares.mT).double()
    norms = products.diagonal().sqrt().clamp_min(TINY)
    return (products / norms[:, None] / norms).clamp(0, 1).float()


def likeness_to_head(run: AttentionRun, layer: int, head: int, others: AttentionRun) -> Float[Tensor, "other"]:
    """The cosine of the shares of one head with those of the heads of another run, in the order of heads_of.

    Raises ValueError for runs of other lengths.
    """
    count, heads = len(run.tokens), len(heads_of(others))
    if count != len(others.tokens):
        raise ValueError(
            f"heads are compared on the same tokens; one run has {count}, the other {len(others.tokens)}: choose "
            "models with one tokenizer"
        )
    inner, theirs, own = (torch.zeros(size, dtype=torch.float64) for size in (heads, heads, 1))
    for strip in row_strips(count, heads, STRIP_SHARES, most=count):
        mine, shares = magnitude_shares(run.weights(layer, head, strip)).flatten(), shares_of_rows(others, strip)
        inner += (shares @ mine).double()
        theirs += torch.linalg.vecdot(shares, shares).double()
        own += torch.linalg.vecdot(mine, mine).double()
    norms = theirs.sqrt().clamp_min(TINY) * own.sqrt().clamp_min(TINY)
    return (inner / norms).clamp(0, 1).float()


def similar_heads_of_runs(likeness: Float[Tensor, "other"], others: AttentionRun, own: int | None) -> SimilarHeads:
    """The likeness as a result of the layers that have heads. own: the place of the head itself, where it is there."""
    layers = len({layer for layer, _ in heads_of(others)})
    value = likeness.reshape(layers, others.n_heads)
    is_own = torch.zeros(len(likeness), dtype=torch.bool)
    if own is not None:
        is_own[own] = True
    return similar_heads_of_likeness(value, is_own.reshape(value.shape))


def heads_of(run: AttentionRun) -> Heads:
    """Layer and head of all heads of a run."""
    layers = [number for number, layer in enumerate(run.layers) if layer is not None]
    return [(layer, head) for layer in layers for head in range(run.n_heads)]


def shares_of_rows(run: AttentionRun, rows: slice) -> Float[Tensor, "head cells"]:
    """|A|/Σ|A| of some rows of all heads, over all keys."""
    count, all_heads = len(run.tokens), slice(0, run.n_heads)
    shares = torch.zeros(len(heads_of(run)), rows.stop - rows.start, count)
    for place, layer in enumerate([layer for layer in run.layers if layer is not None]):
        weights = layer.weights(all_heads, rows)
        block = shares[place * run.n_heads : (place + 1) * run.n_heads]
        block[..., : weights.shape[-1]] = magnitude_shares(weights)
    return shares.flatten(1)
