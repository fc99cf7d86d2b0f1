"""Suppression effect: how much of what a head does is left when it may only suppress the tokens that it attends to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.about import About
from interp.activations import Activations, gather
from interp.deletion.contributions import ov_terms
from interp.head_weights import HeadWeights, head_weights
from interp.interventions.divergence import divergence
from interp.interventions.touched_run import logits_of
from interp.nulls import SAMPLES, null_of
from interp.prompt_tokens import PromptTokens
from interp.result import Result

NEEDS = ("attn.hook_pattern", "attn.hook_v", "attn.hook_z")
ABOUT = About(
    title="Copy suppression explains",
    unit="share of the effect",
    law="1 − KL(model ‖ suppression part kept, rest mean-ablated) / KL(model ‖ head mean-ablated)",
    source="McDougall et al. 2023 (arXiv 2310.04625), without its choice of predicted tokens",
    null="the prompt's tokens dealt anew among the sources",
)


@dataclass(frozen=True, repr=False)
class SuppressionEffect(Result):
    """explained: 1 for a head that only suppresses, 0 for one whose suppression does no more than its mean output.

    The suppression part of a head's output at d is S[d] = Σ_s min(0, ⟨A[d, s] v_s W_O, û_s⟩) û_s with û_s the
    unembedding of source token s at length 1; the rest, output − S, is replaced by its mean over all positions of
    all prompts. kl_kept, kl_mean: means over positions, in nats. All are the same under an odd kernel's flip.
    """

    explained: Float[Tensor, "layer head"]
    explained_null: Float[Tensor, "layer head"]
    explained_null_spread: Float[Tensor, "layer head"]
    kl_kept: Float[Tensor, "layer head"]
    kl_mean: Float[Tensor, "layer head"]


def suppression_effect(model: Any, prompts: Sequence[PromptTokens], samples: int = SAMPLES) -> SuppressionEffect:
    """All heads of a hooked model; runs it 2 + samples times per head and prompt.

    Raises ValueError for prompts of several lengths, and where a norm follows attention (Gemma): heads do not add up.
    """
    if hasattr(model.blocks[0], "ln1_post"):
        raise ValueError(
            "suppression was asked of a model with a norm after attention; its heads' outputs do not add up"
        )
    weights, runs = head_weights(model), gather(model, prompts, NEEDS)
    ids = torch.tensor([one.ids for one in prompts])
    outputs = torch.stack([torch.einsum("lphe,lhem->lhpm", run["attn.hook_z"], weights.W_O) for run in runs])

    def ablated(change: Float[Tensor, "prompt layer head pos d_model"]) -> Float[Tensor, "layer head"]:
        return torch.stack([_divergences(model, run, of_run) for run, of_run in zip(runs, change, strict=True)]).mean(0)

    def kept(sources: Int[Tensor, "prompt key"]) -> Float[Tensor, "layer head"]:
        parts = [suppression(run, weights, own) for run, own in zip(runs, sources, strict=True)]
        return ablated(_mean(rest := outputs - torch.stack(parts)) - rest)

    mean_ablated, of_own = ablated(_mean(outputs) - outputs), kept(ids)
    null = null_of(lambda dice: 1 - kept(_dealt(ids, dice)) / mean_ablated, samples)
    return SuppressionEffect(
        1 - of_own / mean_ablated, null.mean, null.spread, kl_kept=of_own, kl_mean=mean_ablated, about=ABOUT
    )


def suppression(
    run: Activations, weights: HeadWeights, sources: Int[Tensor, "key"]
) -> Float[Tensor, "layer head pos d_model"]:
    """S of every head: its output's negative components along the source tokens' unembeddings."""
    directions = torch.nn.functional.normalize(weights.W_U[:, sources], dim=0)
    terms = ov_terms(run["attn.hook_v"], weights.W_O, directions)
    return (run["attn.hook_pattern"] * terms[:, :, None]).clamp(max=0) @ directions.T


def _mean(outputs: Float[Tensor, "prompt layer head pos d_model"]) -> Float[Tensor, "1 layer head 1 d_model"]:
    return outputs.mean((0, 3), keepdim=True)


def _dealt(ids: Int[Tensor, "prompt key"], dice: torch.Generator) -> Int[Tensor, "prompt key"]:
    return ids.gather(1, torch.rand(ids.shape, generator=dice).argsort(-1))


def _divergences(
    model: Any, run: Activations, change: Float[Tensor, "layer head pos d_model"]
) -> Float[Tensor, "layer head"]:
    """Mean KL from the untouched run, one head's output changed at a time."""
    found = torch.empty(change.shape[:2])
    for layer, head in torch.cartesian_prod(*map(torch.arange, change.shape[:2])).tolist():
        hook = (f"blocks.{layer}.hook_attn_out", lambda out, hook, add=change[layer, head]: out + add.to(out))
        found[layer, head] = divergence(run.logits, logits_of(model, run.tokens.ids, [hook])).mean()
    return found
