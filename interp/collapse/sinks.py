"""Attention sinks: heads that leave a large share of their weight on the first token, on another, or on none."""

from collections.abc import Sequence
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
    law="mean over rows of b = |A|/Σ|A| on key 0; a head is a sink where that is above ε; anywhere: on the key that "
    "gets most; into_nothing: mean over rows of 1 − ΣA, where rows may leave mass",
    source="Gu et al. 2024 (arXiv 2410.10781), Sink^ε, with b for the weights",
    null="equal weights on the visible keys; of into_nothing: on nothing as on one key more",
    plain=Sentence(
        "How much of its attention a head rests on the {first}, which is often a way of doing nothing; or on any one "
        "{token}, or on none where its weights may leave a rest."
    ),
)


@dataclass(frozen=True, repr=False)
class Sinks(Result):
    """Share of key 0, 1 where it is above epsilon, and the share of such heads: Sink^ε per layer and over all heads.

    Rows of zeros are left out; the first row, which sees key 0 alone, counts, as in the paper: a short prompt's share
    is large. No flip of signs changes it. Where rows may leave mass (Σ a < 1), shares are of what is given to keys, and
    into_nothing is the rest; it is 0 under every other law, whose rows have no rest.
    """

    drawn_by = "residual:sinks_figure"

    share: Float[Tensor, "layer head"]
    share_null: Float[Tensor, "layer head"]
    is_sink: Float[Tensor, "layer head"]
    layer_rate: Float[Tensor, "layer"]
    anywhere: Float[Tensor, "layer head"]
    anywhere_null: Float[Tensor, "layer head"]
    into_nothing: Float[Tensor, "layer head"]
    into_nothing_null: Float[Tensor, "layer head"]
    epsilon: float

    @property
    def rate(self) -> float:
        """Sink^ε of the model."""
        return float(self.is_sink.nanmean())


def sinks(
    pattern: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    epsilon: float = EPSILON,
    leaves_mass: Sequence[bool] = (),
) -> Sinks:
    """The sinks of a prompt. Assumes weights of masked keys to be exactly 0. leaves_mass: of each layer, whether
    1 − Σ a of a row goes nowhere; of none when not given."""
    shares = torch.stack([mean_shares(layer.abs()) for layer in pattern])
    equal = torch.stack([mean_shares(layer.to(pattern.dtype)) for layer in visible])
    equal = equal[:, None].expand_as(shares)
    share, anywhere = shares[..., 0], shares.amax(-1)
    sink = (share > epsilon).to(share.dtype).masked_fill(share.isnan(), torch.nan)
    leaves = torch.tensor([*leaves_mass] or [False] * len(pattern))[:, None]
    chance = (1 / (visible.sum(-1) + 1)).mean(-1, keepdim=True).expand_as(share)
    return Sinks(
        *(share, equal[..., 0].clone(), sink, sink.nanmean(-1)),
        *(anywhere, equal.amax(-1)),
        into_nothing=(1 - pattern.sum(-1).mean(-1)).where(leaves, 0.0),
        into_nothing_null=chance.where(leaves, 0.0),
        epsilon=epsilon,
        about=ABOUT,
    )


def mean_shares(magnitude: Float[Tensor, "*head query key"]) -> Float[Tensor, "*head key"]:
    """The mean over rows of the share of every key; rows of zeros are left out, NaN where there are no others."""
    total = magnitude.sum(-1)
    dead = total == 0
    inverse = total.reciprocal().masked_fill(dead, 0)
    return torch.einsum("...qk,...q->...k", magnitude, inverse) / (~dead).sum(-1, keepdim=True)
