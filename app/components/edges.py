"""Edges: the strongest weights of one or several heads as lines between the tokens, negative ones dashed."""

from collections.abc import Sequence

from streamlit.components.v2 import component

from app.address import OpenHead
from app.components.source import source
from interp.attention_run import AttentionRun

MOST_TOKENS = 64
MOST_EDGES = 300

_mount = component(
    "headscope_edges",
    html='<div class="edges"></div>',
    css=source("edges.css"),
    js=source("signed_colours.js", "token_text.js", "edges.js"),
)


def edges(run: AttentionRun, heads: Sequence[OpenHead]) -> None:
    """Draw the strongest weights of the heads among the last tokens, queries on the left, keys on the right."""
    layer, head = [one.layer for one in heads], [one.head for one in heads]
    patterns = run.patterns[layer, head][:, -MOST_TOKENS:, -MOST_TOKENS:]
    count = patterns.shape[-1]
    strongest = patterns.abs().flatten().topk(min(MOST_EDGES, patterns.numel()))
    weights = patterns.flatten()[strongest.indices].tolist()
    places = [divmod(at, count * count) for at in strongest.indices.tolist()]
    shown = [
        [*divmod(cell, count), round(weight, 5), which]
        for (which, cell), weight in zip(places, weights, strict=True)
        if weight != 0
    ]
    names = [f"L{one.layer}H{one.head}" for one in heads]
    data = {
        "tokens": run.tokens.strings[-MOST_TOKENS:],
        "edges": shown[::-1],
        "heads": names,
        "peak": float(strongest.values[0]),
        "name": " ".join(names),
    }
    _mount(key="edges", data=data)
