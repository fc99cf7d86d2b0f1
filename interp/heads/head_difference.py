"""Head difference: the weights of a head less those of another one on the same prompt, such as of another model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Difference of two heads",
    unit="weight",
    law="b[t, s] − a[t, s]; grey: neither query sees the key",
    source="headscope",
    plain=Sentence(
        "How much more (blue) or less (red) the second head takes from each {token} than the first. White cells are "
        "alike in both."
    ),
    by_gauge={"odd": ("difference", "moved"), "scale": ("difference", "moved")},
)


@dataclass(frozen=True, repr=False)
class HeadDifference(Result):
    """The weights of one head less those of another, NaN where neither sees the key, and how much of each row differs.

    moved: Σ abs(b − a) / Σ (abs(a) + abs(b)) over the keys; 0 where the rows are the same, 1 where they share nothing.
    """

    drawn_by = "head_pattern:head_difference_figure"

    difference: Float[Tensor, "query key"]
    moved: Float[Tensor, "query"]


def head_difference(
    first: AttentionRun, head: tuple[int, int], second: AttentionRun, other: tuple[int, int], title: str = ""
) -> HeadDifference:
    """The second run's head less the first one's. Raises ValueError where the two read other tokens."""
    words, others = first.tokens.strings, second.tokens.strings
    if words != others:
        reason = Sentence("the two models cut this {prompt} into other {tokens}").of(first.tokens.words)
        raise ValueError(f"{reason} ({_apart(words, others)}): their cells are not the same")
    a, b = first.weights(*head), second.weights(*other)
    seen = first.visible_of(head[0]) | second.visible_of(other[0])
    size = (a.abs() + b.abs()).sum(-1)
    return HeadDifference(
        difference=(b - a).where(seen, torch.nan),
        moved=(b - a).abs().sum(-1) / size.where(size > 0, 1.0),
        about=replace(ABOUT, title=title or ABOUT.title).said_with(first.tokens.words),
        labels={"query": words, "key": words},
    )


def _apart(words: Sequence[str], others: Sequence[str]) -> str:
    """How many there are of each, or where the two first differ."""
    if len(words) != len(others):
        return f"{len(words)} and {len(others)}"
    at = next(at for at, pair in enumerate(zip(words, others, strict=True)) if pair[0] != pair[1])
    return f"at position {at}, {words[at]!r} and {others[at]!r}"
