"""Near heads: how far a number of every head is from that of one head; the heads that do the same, by that number."""

import torch

from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore


def near_heads(score: HeadScore, layer: int, head: int) -> HeadScore:
    """|x − x of the one head| of every head, in the score's own unit; NaN where either has no such number.

    The null is the mean over all heads but the one, with its standard deviation. Raises ValueError where no other head
    has the number, and for a score that a change of gauge changes: that says of no two heads whether they are alike,
    for either may be mirrored.
    """
    about = score.about
    if about.gauge_dependent:
        raise ValueError(
            f"{about.title} depends on the gauge ({', '.join(about.by_gauge)}), which is each head's own: "
            "heads are compared by a number that does not"
        )
    difference = (score.value - score.value[layer, head]).abs()
    is_other = torch.ones_like(difference, dtype=torch.bool)
    is_other[layer, head] = False
    others = difference[is_other & difference.isfinite()]
    if not len(others):
        raise ValueError(f"L{layer}H{head} is compared with other heads, and no other one has this number")
    mean, spread = others.mean().expand_as(difference), others.std(correction=0).expand_as(difference)
    words = About(
        title=f"Heads like L{layer}H{head}",
        unit=about.unit,
        law=f"|x − x of L{layer}H{head}|, x: {about.law}",
        source=about.source,
        null="the mean over all heads but itself: how far any other head is from this one",
        plain="How far the number of every head is from that of this one: 0 for heads that do the same.",
    )
    return HeadScore(difference, mean, spread, about=words)


def nearest(distance: HeadScore, most: int) -> list[tuple[int, int]]:
    """The layers and heads with the smallest distances, those without one left out."""
    heads = distance.value.shape[1]
    order = distance.value.nan_to_num(nan=torch.inf).flatten().argsort(stable=True)[:most].tolist()
    result = [divmod(at, heads) for at in order]
    return [at for at in result if distance.value[at].isfinite()]
