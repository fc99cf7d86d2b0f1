"""Attention sinks: heads that leave a large share of their weight on the first token."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

EPSILON = 0.3
ABOUT = About(
    title="Attention sinks",
    unit="share",
    law="mean over rows of b = |A|/Σ|A| on key 0; a head is a sink where that is above ε",
    source="Gu et al. 2024 (arXiv 2410.10781), Sink^ε, with b for the weights",
    null="equal weights on the visible keys",
    plain=Sentence("How much of its attention a head rests on the {first}, which is often a way of doing nothing."),
)


@dataclass(frozen=True, repr=False)
class Sinks(Result):
    """Share of key 0, 1 where it is above epsilon, and the share of such heads: Sink^ε per layer and over all heads.

    Rows of zeros are left out; the first row, which sees key 0 alone, counts, as in the paper: a short prompt's share
    is large. No flip of signs changes it.
    """

    drawn_by = "residual:sinks_figure"

    share: Float[Tensor, "layer head"]
    share_null: Float[Tensor, "layer head"]
    is_sink: Float[Tensor, "layer head"]
    layer_rate: Float[Tensor, "layer"]
    epsilon: float

    @property
    def rate(self) -> float:
        """Sink^ε of the model."""
        return float(self.is_sink.nanmean())


def sinks(
    pattern: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    epsilon: float = EPSILON,
) -> Sinks:
    """The sinks of a prompt. Assumes weights of masked keys to be exactly 0."""
    share, null = first_share(pattern.abs()), first_share(visible.to(pattern.dtype))
    sink = (share > epsilon).to(share.dtype).masked_fill(share.isnan(), torch.nan)
    return Sinks(share, null[:, None].expand_as(share).clone(), sink, sink.nanmean(-1), epsilon, about=ABOUT)


def first_share(magnitude: Float[Tensor, "*head query key"]) -> Float[Tensor, "*head"]:
    """The mean over rows of the share of key 0; rows of zeros are left out, NaN where there are no others."""
    total = magnitude.sum(-1)
    dead = total == 0
    return (magnitude[..., 0] / total.masked_fill(dead, 1)).sum(-1) / (~dead).sum(-1)
