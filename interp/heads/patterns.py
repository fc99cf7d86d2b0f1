"""Patterns: the signed weights of every head on a prompt, made small enough to be stored and seen side by side."""

from dataclasses import dataclass
from math import isqrt

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.heads.signed_max_pool import signed_max_pool, visible_max_pool
from headscope.interp.reading.activations import SCORES, Activations
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

PATTERN = "attn.hook_pattern"
SIDE = 32  # rows and columns of a head's picture, at most
MOST_CELLS = 2**17  # of all heads
ABOUT = About(
    title="Attention of every head",
    unit="weight",
    law=Sentence(
        "a[t, s], queries from top to bottom; of a block of {long_prompt} the weight of the largest magnitude"
    ),
    source="Vaswani et al. 2017, arXiv 1706.03762",
    by_gauge={"odd": ("pattern",), "scale": ("pattern",)},
    plain="A small picture of each head: rows are queries, columns keys. Blue adds what is read, red subtracts it.",
)


@dataclass(frozen=True, repr=False)
class Patterns(Result):
    """The weights of every query over the keys; NaN where no key of a cell is seen. tokens: how many the prompt has."""

    drawn_by = "patterns:patterns_figure"

    pattern: Float[Tensor, "layer head query key"]
    tokens: int


def pooled_patterns(
    weights: Float[Tensor, "layer head pos pos"],
    visible: Bool[Tensor, "layer pos pos"],
    strings: tuple[str, ...],
    layers: int | None = None,
) -> Patterns:
    """At most SIDE × SIDE cells a head and MOST_CELLS in all; tokens are labels where a cell is one weight.

    layers: how many there are in all, where these are some of them.
    """
    heads, length = weights.shape[1:3]
    side = max(1, min(SIDE, isqrt(MOST_CELLS // ((layers or len(weights)) * heads)), length))
    small = torch.stack([signed_max_pool(layer, side) for layer in weights])
    seen = visible_max_pool(visible, side)[:, None]
    labels = {"query": strings, "key": strings} if side == length else {}
    return Patterns(small.where(seen, torch.nan), length, about=ABOUT, labels=labels)


def patterns_of(setting: Setting, run: Activations) -> Patterns:
    """The patterns of a prompt."""
    assert run.visible is not None  # gathered with the scores, which the row needs
    return pooled_patterns(run[PATTERN], run.visible, run.tokens.strings, len(setting.facts.head_layers))


ROWS = (
    Analysis(
        "patterns",
        "How much each {token} takes from every {token} it sees, in every head.",
        (PATTERN, SCORES),
        ByLayer(patterns_of),
        over_tokens=True,
        row_laws="any: weights with their signs",
    ),
)
