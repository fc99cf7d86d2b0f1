"""Sink tokens: what every token of a prompt receives, what it gives for that, and how long its values are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.collapse.sinks import EPSILON, mean_shares
from headscope.interp.reading.size import Size
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title=Sentence("What every {token} receives and gives"),
    unit="share; value_norm: times the mean",
    law="received: mean over heads and over the rows that see s of b[t, s], b = |a|/Σ|a|; contribution: likewise of "
    "‖f[t, s]‖/Σ_s ‖f[t, s]‖, f = Σ_h a g v W_O, g the gate of a row where there is one; "
    "value_norm: mean over heads of ‖v W_O‖ over its mean; sink_heads: "
    f"share of heads whose mean b[t, s] over all rows is above {EPSILON}",
    source="Gu et al. 2024 (arXiv 2410.10781), section 2; contributions: Kobayashi et al. 2020 (arXiv 2004.10102)",
    null=Sentence("each row's weight spread evenly over the visible keys; of value_norm: any {token}"),
    plain=Sentence(
        "Which {tokens} draw attention, and whether they give anything for it. A sink receives much, adds little, and "
        "its values are short; it need not be the {first}."
    ),
)


@dataclass(frozen=True, repr=False)
class SinkTokens(Result):
    """By layer and token; the last tokens are seen by few rows. No change of gauge touches any of it.

    Shares are of magnitudes, whatever their signs, and of what a row gives to tokens; of kernels whose rows may leave
    mass (Σ a < 1), `sinks` has what goes into nothing. A contribution sums over heads before its length is taken, so
    that heads which undo each other add nothing; it is NaN where gates differ by the entries of a head's output.
    """

    drawn_by = "tokens.sinks:sink_tokens_figure"

    received: Float[Tensor, "layer pos"]
    received_null: Float[Tensor, "layer pos"]
    contribution: Float[Tensor, "layer pos"]
    contribution_null: Float[Tensor, "layer pos"]
    value_norm: Float[Tensor, "layer pos"]
    value_norm_null: Float[Tensor, "layer pos"]
    value_norm_null_spread: Float[Tensor, "layer pos"]
    sink_heads: Float[Tensor, "layer pos"]


def sink_tokens(
    pattern: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    values: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    tokens: Sequence[str] = (),
    gate: Float[Tensor, "layer query head_or_one d_head_or_one"] | None = None,
) -> SinkTokens:
    """Of a prompt. values: hook_v, as mixed; heads of a group share theirs. gate: hook_gate, 1 when not given."""
    by_row = row_gates(pattern, gate)
    layers = [of_layer(*layer) for layer in zip(pattern, visible, values, W_O, by_row, strict=True)]
    received, equal, given, equally, norm, spread, sink_heads = torch.stack(layers, 1)
    labels = {"pos": tuple(tokens)} if tokens else {}
    any_token = torch.ones_like(norm), spread
    return SinkTokens(received, equal, given, equally, norm, *any_token, sink_heads, about=ABOUT, labels=labels)


def row_gates(
    pattern: Float[Tensor, "layer head query key"], gate: Float[Tensor, "layer query head_or_one d_head_or_one"] | None
) -> Float[Tensor, "layer head query 1"]:
    """What multiplies the rows of weights: NaN where entries of a head's output have gates of their own."""
    if gate is None:
        return torch.ones_like(pattern[..., :1])
    alike = (gate == gate[..., :1]).all(-1)
    return gate[..., 0].where(alike, torch.nan).mT.expand(pattern.shape[:3])[..., None]


def of_layer(
    pattern: Float[Tensor, "head query key"],
    seen: Bool[Tensor, "query key"],
    values: Float[Tensor, "key kv_head d_head"],
    W_O: Float[Tensor, "head d_head d_model"],
    gate: Float[Tensor, "head query 1"],
) -> Float[Tensor, "number key"]:
    """What SinkTokens holds of one layer, but for the null of value_norm, which is 1."""
    written = torch.einsum("khd,hdm->khm", values.repeat_interleave(len(W_O) // values.shape[1], 1), W_O)
    equal = (seen / seen.sum(-1, keepdim=True).clamp(min=1))[None]
    even = pattern.sum(-1, keepdim=True) * equal
    size, norm = pattern.abs(), written.norm(dim=-1)
    relative = (norm / norm.mean(0)).nanmean(-1)
    return torch.stack(
        [
            mean_where_seen(size, seen),
            mean_where_seen(equal, seen),
            mean_where_seen(contribution_lengths(pattern * gate, written), seen),
            mean_where_seen(contribution_lengths(even * gate, written), seen),
            relative,
            relative.std(correction=0).expand_as(relative),
            (mean_shares(size) > EPSILON).float().mean(0),
        ]
    )


def contribution_lengths(
    pattern: Float[Tensor, "head query key"], written: Float[Tensor, "key head d_model"]
) -> Float[Tensor, "1 query key"]:
    """‖Σ_h a v W_O‖ of every cell, by the products of what the heads write, without the vectors."""
    products = torch.einsum("khm,kgm->khg", written, written)
    squares = (torch.einsum("hqk,khg->gqk", pattern, products) * pattern).sum(0)
    return squares.clamp(min=0).sqrt()[None]


def mean_where_seen(size: Float[Tensor, "head query key"], seen: Bool[Tensor, "query key"]) -> Float[Tensor, "key"]:
    """The mean over heads, and over the rows that see a key, of its share of the row; rows of zeros are left out."""
    total = size.sum(-1)
    inverse, there = total.reciprocal().masked_fill(total == 0, 0), (total != 0).to(size.dtype)
    sums, rows = torch.einsum("hqk,hq->hk", size, inverse), torch.einsum("qk,hq->hk", seen.to(size.dtype), there)
    return (sums / rows).nanmean(0)


def sink_tokens_cost(size: Size) -> int:
    """What every head writes of every token, and the products of heads with each other at every cell."""
    d_model, heads = size.facts.d_model, size.facts.heads
    by_token = heads * d_model * (size.d_head + heads)
    return len(size.facts.head_layers) * sum(n * by_token + 2 * n**2 * heads**2 for n in size.lengths)
