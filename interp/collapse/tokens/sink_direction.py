"""Sink direction: the direction of the residual stream that tells a prompt's sink tokens from all others."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.collapse.residual import depth_labels
from headscope.interp.collapse.sinks import EPSILON, mean_shares
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

MEASURES = ("separation", "cosine", "top_share")
ABOUT = About(
    title=Sentence("What marks sink {tokens}"),
    unit="1",
    law="u ∝ x̄_sinks − x̄_others; separation ⟨u, x̄_sinks − x̄_others⟩ over the standard deviation of others' ⟨u, x⟩; "
    "cosine with u at the depth that feeds the strongest sink; top_share: the largest u_i². Sinks: mean b[t, s] of a "
    f"layer above {EPSILON}, else the largest",
    source="Zhang et al. 2025 (arXiv 2502.00919), sinks at any token; entries: Sun et al. 2024 (arXiv 2402.17762)",
    null=Sentence("as many other {tokens} at random in the place of the sinks"),
    plain=Sentence(
        "Whether one direction of the residual stream marks the {tokens} that others rest on, from which layer on, and "
        "whether it is one coordinate, as massive activations are."
    ),
)


@dataclass(frozen=True, repr=False)
class SinkDirection(Result):
    """By depth, of the tokens that is_sink names; NaN without two others. No change of gauge touches it.

    received: the mean share that each token gets of all rows of the layer that rests on it most. dimension: the
    coordinate of top_share. reference: the depth of the cosine. Shares are of magnitudes, whatever their signs.
    """

    drawn_by = "tokens.sinks:sink_direction_figure"

    separation: Float[Tensor, "depth"]
    separation_null: Float[Tensor, "depth"]
    separation_null_spread: Float[Tensor, "depth"]
    cosine: Float[Tensor, "depth"]
    cosine_null: Float[Tensor, "depth"]
    cosine_null_spread: Float[Tensor, "depth"]
    top_share: Float[Tensor, "depth"]
    top_share_null: Float[Tensor, "depth"]
    top_share_null_spread: Float[Tensor, "depth"]
    dimension: Int[Tensor, "depth"]
    is_sink: Bool[Tensor, "pos"]
    received: Float[Tensor, "pos"]
    reference: int


def sink_direction(
    residual: Float[Tensor, "depth pos d_model"],
    pattern: Float[Tensor, "layer head query key"],
    layers: Sequence[int],
    tokens: Sequence[str] = (),
) -> SinkDirection:
    """Of `residual_stream` and the patterns of the layers with these numbers."""
    return direction_of_sinks(residual, mean_received(pattern), layers, tokens)


def mean_received(pattern: Float[Tensor, "layer head query key"]) -> Float[Tensor, "layer key"]:
    """The mean share that each token gets of all rows of a layer, over its heads."""
    return torch.stack([mean_shares(layer.abs()).nan_to_num().mean(0) for layer in pattern])


def direction_of_sinks(
    residual: Float[Tensor, "depth pos d_model"],
    received: Float[Tensor, "layer pos"],
    layers: Sequence[int],
    tokens: Sequence[str] = (),
) -> SinkDirection:
    """The same of what mean_received says of these layers."""
    X = residual.double()
    is_sink = sink_places(received.amax(0))
    reference = int(layers[int(received.amax(-1).argmax())])
    null = null_of(lambda dice: measures(X, random_places(is_sink, dice), ~is_sink, reference))
    fields = zip(measures(X, is_sink, ~is_sink, reference), null.mean, null.spread, strict=True)
    return SinkDirection(
        *(number for triple in fields for number in triple),
        dimension=mean_difference(X, is_sink, ~is_sink).abs().argmax(-1),
        is_sink=is_sink,
        received=received.amax(0),
        reference=reference,
        about=ABOUT,
        labels={"depth": depth_labels(len(X)), **({"pos": tuple(tokens)} if tokens else {})},
    )


def sink_places(received: Float[Tensor, "pos"]) -> Bool[Tensor, "pos"]:
    """The tokens that receive more than EPSILON, at most half of all; else the one that receives most."""
    count = int((received > EPSILON).sum())
    most = received.topk(max(1, min(count, len(received) // 2))).indices
    return torch.zeros_like(received, dtype=torch.bool).index_fill(0, most, value=True)


def random_places(is_sink: Bool[Tensor, "pos"], dice: torch.Generator) -> Bool[Tensor, "pos"]:
    """As many tokens that are no sinks, or all of them where there are fewer."""
    lots = torch.rand(len(is_sink), generator=dice).masked_fill(is_sink, -1)
    drawn = lots.topk(int(is_sink.sum())).indices
    return torch.zeros_like(is_sink).index_fill(0, drawn, value=True) & ~is_sink


def mean_difference(
    X: Float[Tensor, "depth pos d_model"], marked: Bool[Tensor, "pos"], others: Bool[Tensor, "pos"]
) -> Float[Tensor, "depth d_model"]:
    """The mean of the marked tokens less that of the others, which are not marked themselves."""
    return X[:, marked].mean(1) - X[:, others & ~marked].mean(1)


def measures(
    X: Float[Tensor, "depth pos d_model"], marked: Bool[Tensor, "pos"], others: Bool[Tensor, "pos"], reference: int
) -> Float[Tensor, "measure depth"]:
    """The measures, in the order of MEASURES."""
    apart = mean_difference(X, marked, others)
    u = apart / apart.norm(dim=-1, keepdim=True)
    along = torch.einsum("dpm,dm->dp", X[:, others & ~marked], u)
    deviation = (along - along.mean(-1, keepdim=True)).square().mean(-1).sqrt()
    return torch.stack([apart.norm(dim=-1) / deviation, u @ u[reference], u.square().amax(-1)])
