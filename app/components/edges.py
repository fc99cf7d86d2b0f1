"""Edges: the strongest weights of one or several heads as lines between the tokens, negative ones dashed."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from streamlit.components.v2 import component
from torch import Tensor

from headscope.app.components.source import source_text
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun

MOST_TOKENS = 64
MOST_EDGES = 300

_mount = component(
    "headscope_edges",
    html=source_text("edges.html"),
    css=source_text("edges.css"),
    js=source_text(
        "signed_colours.js",
        "token_text.js",
        "roving.js",
        "downloads.js",
        "edge_drawing.js",
        "edge_files.js",
        "edges.js",
    ),
)


def attention_edges(run: AttentionRun, heads: Sequence[OpenHead]) -> None:
    """Draw the strongest weights of the heads among the last tokens, queries on the left, keys on the right."""
    count = len(run.tokens)
    rows = slice(max(0, count - MOST_TOKENS), count)
    patterns = [run.weights(item.layer, item.head, rows)[:, -MOST_TOKENS:] for item in heads]
    shown = strongest_edges(torch.stack(patterns), MOST_EDGES)
    tokens = run.tokens.strings[-MOST_TOKENS:]
    names = [f"L{item.layer}H{item.head}" for item in heads]
    data = {
        "tokens": tokens,
        "first": len(run.tokens.strings) - len(tokens),
        "edges": shown,
        "heads": names,
        "peak": abs(shown[-1][2]) if shown else 1.0,
        "name": " ".join(names),
    }
    _mount(key="edges", data=data)


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
