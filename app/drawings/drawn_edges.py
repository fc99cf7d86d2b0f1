"""Drawn edges: the strongest weights of one or several heads as lines between the tokens."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.app.drawings.open_head import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.models.io.fields import Fields

MOST_TOKENS = 64
MOST_EDGES = 300


def drawn_edges(run: AttentionRun, heads: Sequence[OpenHead]) -> Fields:
    """The strongest weights of the heads among the last tokens, with what stands beside them."""
    count = len(run.tokens)
    rows = slice(max(0, count - MOST_TOKENS), count)
    patterns = [run.weights(item.layer, item.head, rows)[:, -MOST_TOKENS:] for item in heads]
    shown = strongest_edges(torch.stack(patterns), MOST_EDGES)
    tokens = run.tokens.strings[-MOST_TOKENS:]
    names = [f"L{item.layer}H{item.head}" for item in heads]
    return {
        "tokens": tokens,
        "first": len(run.tokens.strings) - len(tokens),
        "edges": shown,
        "heads": names,
        "peak": abs(shown[-1][2]) if shown else 1.0,
        "name": " ".join(names),
    }


def strongest_edges(patterns: Float[Tensor, "head query key"], most: int) -> list[tuple[int, int, float, int]]:
    """(query, key, weight, head) of the strongest weights, the weakest first; every head has an equal share of them."""
    flat = patterns.flatten(1)
    share = min(max(1, most // len(flat)), flat.shape[1])
    cells = flat.abs().topk(share).indices
    result = [
        (*divmod(cell, patterns.shape[-1]), round(weight, 5), head)
        for head, (own, weights) in enumerate(zip(cells.tolist(), flat.gather(1, cells).tolist(), strict=True))
        for cell, weight in zip(own, weights, strict=True)
        if weight != 0
    ]
    return sorted(result, key=lambda edge: abs(edge[2]))
