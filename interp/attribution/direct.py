"""Direct logit attribution: how much each part of the model adds to a logit, the final norm's scale frozen."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.attribution.residual_parts import Readout, ResidualParts
from headscope.interp.reading.target import Target, attribution_with_null, columns_of
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

DIRECT = About(
    title="Direct logit attribution",
    unit="logits",
    law="part · W_U[:, target] / scale of the final norm; components sum to the logit (before a soft cap), "
    "heads to their layer's attention less its bias",
    source="Elhage et al. 2021, section Understanding the Residual Stream; nostalgebraist 2020",
    null=Sentence("any {candidate} in the target's place (exact mean and standard deviation)"),
    by_gauge={"logits": ("head", "head_null", "component", "component_null")},
    plain=Sentence(
        "How much each part of the model writes straight into the logit of one {choice}: every head, every MLP, the "
        "embedding. What a part does through later parts is not counted."
    ),
)
BY_SOURCE = About(
    title=Sentence("Direct logit attribution by {token} read"),
    unit="logits",
    law="A[d,s] · v_s W_O · W_U[:, target] / scale; sums over keys to the head's attribution",
    source="Elhage et al. 2021; with signed A: Lv et al. 2024 (arXiv 2411.07176)",
    null=Sentence("any {candidate} in the target's place (exact mean and standard deviation)"),
    by_gauge={"logits": ("value", "value_null")},
    plain=Sentence(
        "The same for one head after the other, split by the {token} that the head read: which {earlier} raised "
        "or lowered the logit through which head."
    ),
)


@dataclass(frozen=True, repr=False)
class DirectAttribution(Result):
    """of: which logit, or difference of logits; labels["target"]: of which token, where it is the prompt's likeliest.

    component: embedding, attention and MLP of each layer, bias b_U. What is added to all logits alike, as by
    W_U + u 1ᵀ, changes a value and its null by as much: a value less its null, and a difference of two logits, stay.
    """

    drawn_by = "attribution:direct_attribution_figure"

    head: Float[Tensor, "layer head"]
    head_null: Float[Tensor, "layer head"]
    head_null_spread: Float[Tensor, "layer head"]
    component: Float[Tensor, "component"]
    component_null: Float[Tensor, "component"]
    component_null_spread: Float[Tensor, "component"]
    of: str


@dataclass(frozen=True, repr=False)
class SourceAttribution(Result):
    """Every head's attribution at one position, by the position that it comes from; of and labels as of the whole."""

    drawn_by = "attribution:source_attribution_figure"

    value: Float[Tensor, "layer head key"]
    value_null: Float[Tensor, "layer head key"]
    value_null_spread: Float[Tensor, "layer head key"]
    of: str


def direct_attribution(parts: ResidualParts, readout: Readout, target: Target) -> DirectAttribution:
    """By component and by head; MLPs that write nothing are none. transformer-lens's logit_attrs gives the same for a
    model whose norms were folded; on one as it was trained it leaves out the final norm's gain.
    """
    written = {"attention": parts.attention, "MLP": parts.mlp} if parts.mlp.any() else {"attention": parts.attention}
    layers = torch.stack(list(written.values()), 1).flatten(0, 1)
    columns = readout.columns(target)
    components = attribution_with_null(torch.cat([parts.embedding[None], layers]), columns)
    bias = attribution_with_null(torch.ones_like(readout.b_U[:1, None]), columns_of(readout.b_U[None], target))
    heads = attribution_with_null(parts.head, columns)
    names = [f"L{layer} {part}" for layer in range(len(parts.mlp)) for part in written]
    return DirectAttribution(
        heads.value,
        heads.null,
        heads.spread,
        torch.cat([components.value, bias.value]),
        torch.cat([components.null, bias.null]),
        torch.cat([components.spread, bias.spread]),
        str(target),
        about=attribution_about(DIRECT, target),
        labels={"component": ("embedding", *names, "unembedding bias")},
    )


def source_attribution(
    pattern: Float[Tensor, "layer head key"],
    value: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    readout: Readout,
    target: Target,
) -> SourceAttribution:
    """By head and key, for the pattern's row of one query; heads of a group share a value.

    A norm that follows attention (Gemma) is not seen here: divide W_O by the scale of ResidualParts.
    """
    values = value.transpose(1, 2).repeat_interleave(W_O.shape[1] // value.shape[2], dim=1)
    columns = readout.columns(target)
    layers = [
        attribution_with_null(weights[..., None] * (moved @ written), columns)
        for weights, moved, written in zip(pattern, values, W_O, strict=True)
    ]
    return SourceAttribution(
        torch.stack([layer.value for layer in layers]),
        torch.stack([layer.null for layer in layers]),
        torch.stack([layer.spread for layer in layers]),
        str(target),
        about=attribution_about(BY_SOURCE, target),
    )


def attribution_about(about: About, target: Target) -> About:
    """The same for a target; what is added to all logits alike leaves a difference of two alone."""
    return about if target.distractor is None else replace(about, by_gauge={})
