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


Edge = tuple[int, int, float, int, bool]  # query, key, weight, head, whether it is among the strongest of all


def drawn_edges(run: AttentionRun, heads: Sequence[OpenHead], row: int, origin: Fields) -> Fields:
    """The strongest weights of the heads and all of one row, among the last tokens or those up to the row.

    origin: name and words of what is saved of them (shown_place.py).
    """
    count = len(run.tokens)
    end = count if row >= count - MOST_TOKENS else max(row + 1, MOST_TOKENS)
    first = max(0, end - MOST_TOKENS)
    patterns = [run.weights(item.layer, item.head, slice(first, end))[:, first:end] for item in heads]
    shown = edges_of(torch.stack(patterns), MOST_EDGES, row - first)
    names = [f"L{item.layer}H{item.head}" for item in heads]
    return {
        "tokens": run.tokens.strings[first:end],
        "first": first,
        "row": row - first,
        "edges": shown,
        "heads": names,
        "peak": abs(shown[-1][2]) if shown else 1.0,
        "name": " ".join(names),
        "origin": origin,
    }


def edges_of(patterns: Float[Tensor, "head query key"], most: int, row: int) -> list[Edge]:
    """The strongest weights and those of a row, the weakest first; every head has an equal share of the strongest."""
    count = patterns.shape[-1]
    flat = patterns.flatten(1)
    share = min(max(1, most // len(flat)), flat.shape[1])
    is_strong = torch.zeros_like(flat, dtype=torch.bool).scatter_(1, flat.abs().topk(share).indices, True)
    is_drawn = is_strong.view_as(patterns).clone()
    is_drawn[:, row] = True
    wanted = is_drawn.flatten(1) & (flat != 0)
    cells = zip(wanted.nonzero().tolist(), flat[wanted].tolist(), is_strong[wanted].tolist(), strict=True)
    result = [(*divmod(cell, count), round(weight, 5), head, strong) for (head, cell), weight, strong in cells]
    return sorted(result, key=lambda edge: abs(edge[2]))
