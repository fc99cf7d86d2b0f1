"""Prompt copying: whether a head, as it attends in a prompt, raises or lowers the logits of the tokens it looks at."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result

COPYING = About(
    title="Copying and suppression on a prompt",
    unit="standard deviations over the vocabulary",
    law="e = A[d,s] · (logit that OV gives token s − its mean over the vocabulary), σ its deviation: "
    "copying Σ max(e, 0)/Σ |A|σ, suppression Σ max(−e, 0)/Σ |A|σ",
    source="headscope; copying after Elhage et al. 2021, suppression after McDougall et al. 2023",
    null="the token of each source drawn anew among the prompt's (exact mean and standard deviation)",
    plain="How much of a head's weight on this prompt goes into raising, and how much into lowering, the logits of "
    "the tokens it attends to.",
)


@dataclass(frozen=True, repr=False)
class PromptCopying(Result):
    """Both at least 0, their difference the head's net effect; NaN for a head without any effect on logits.

    Sign of attention times sign of OV, so no change of gauge changes it. Scales of norms after attention (Gemma) and
    of the final norm are left out: they weigh rows, and turn no sign.
    """

    drawn_by = "detectors:prompt_copying_figure"

    copying: Float[Tensor, "layer head"]
    copying_null: Float[Tensor, "layer head"]
    copying_null_spread: Float[Tensor, "layer head"]
    suppression: Float[Tensor, "layer head"]
    suppression_null: Float[Tensor, "layer head"]
    suppression_null_spread: Float[Tensor, "layer head"]


def prompt_copying(
    pattern: Float[Tensor, "layer head query key"],
    value: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    W_U: Float[Tensor, "d_model vocab"],
    ids: Int[Tensor, "key"],
) -> PromptCopying:
    """Of every head. W_U with the final norm folded in; heads of a group share a value."""
    centred = W_U - W_U.mean(1, keepdim=True)
    return copying_on_tokens(pattern, value, W_O, centred[:, ids], centred @ centred.T / W_U.shape[1])


def copying_on_tokens(
    pattern: Float[Tensor, "layer head query key"],
    value: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    unembeddings: Float[Tensor, "d_model key"],
    covariance: Float[Tensor, "d_model d_model"],
) -> PromptCopying:
    """The same of the centred unembeddings of the tokens, and the covariance of W_U over the vocabulary."""
    values = value.transpose(1, 2).repeat_interleave(W_O.shape[1] // value.shape[2], dim=1)
    heads = [
        head_copying_scores(*head, unembeddings, covariance)
        for head in zip(pattern.flatten(0, 1), values.flatten(0, 1), W_O.flatten(0, 1), strict=True)
    ]
    return PromptCopying(*torch.stack(heads, -1).unflatten(-1, W_O.shape[:2]), about=COPYING)


def head_copying_scores(
    pattern: Float[Tensor, "query key"],
    value: Float[Tensor, "key d_head"],
    W_O: Float[Tensor, "d_head d_model"],
    unembeddings: Float[Tensor, "d_model key"],
    covariance: Float[Tensor, "d_model d_model"],
) -> Float[Tensor, "field"]:
    """The fields of PromptCopying for one head: one at a time, since each is a few numbers for every two tokens."""
    output = value @ W_O
    deviation = ((output @ covariance) * output).sum(-1).clamp(min=0).sqrt()
    positive, negative = pattern.clamp(min=0).sum(-2)[:, None], pattern.clamp(max=0).abs().sum(-2)[:, None]
    effects = effects_beside_nulls(positive, negative, output @ unembeddings)
    return effects / ((positive + negative)[:, 0] * deviation).sum()


def effects_beside_nulls(
    positive: Float[Tensor, "key 1"], negative: Float[Tensor, "key 1"], logit: Float[Tensor, "key token"]
) -> Float[Tensor, "field"]:
    """Copying and suppression of one head with their nulls, not yet over what it could do at most.

    logit: what each source gives to the token of each position.
    """
    raised, lowered = logit.clamp(min=0), logit.clamp(max=0).abs()
    copying = beside_null(positive * raised + negative * lowered)
    return torch.cat([copying, beside_null(positive * lowered + negative * raised)])


def beside_null(effect: Float[Tensor, "key token"]) -> Float[Tensor, "3"]:
    """Summed over sources: the effect on their own tokens, then its mean and deviation for tokens drawn anew."""
    own = effect.diagonal(dim1=-2, dim2=-1).sum(-1)
    return torch.stack([own, effect.mean(-1).sum(-1), effect.var(-1, correction=0).sum(-1).sqrt()])
