"""Suppression effect: how much of what a head does is left when it may only suppress the tokens that it attends to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from headscope.interp.deletion.contributions import ov_terms
from headscope.interp.interventions.kept_run import kept_runs
from headscope.interp.interventions.layer_heads import LayerHeads, layer_heads
from headscope.interp.interventions.row_changes import row_changes
from headscope.interp.interventions.touched_run import ROWS
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import null_of
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import head_weights

SAMPLES = 2  # of the null, each a run of every head
FLOOR = 1e-6  # nats; float32's rounding of a mean KL stays below
ABOUT = About(
    title="Copy suppression explains",
    unit="share of the effect",
    law="1 − KL(model ‖ suppression part kept, rest mean-ablated) / KL(model ‖ head mean-ablated)",
    source="McDougall et al. 2023 (arXiv 2310.04625), without its choice of predicted tokens",
    null="the prompt's tokens dealt anew among the sources",
    plain="How much of what a head does is the suppression of tokens that it attends to: that part alone is kept, and"
    " the effect of the head that remains is measured.",
)


# Of each run the part of every head's output that is kept -> the mean KL of each head.
Keeping = Callable[[Iterable[Float[Tensor, "head _ d_model"]]], Float[Tensor, "head"]]


@dataclass(frozen=True, repr=False)
class SuppressionEffect(Result):
    """explained: 1 for a head that only suppresses, 0 for one whose suppression does no more than its mean output.

    The suppression part of a head's output at d is S[d] = Σ_s min(0, ⟨A[d, s] v_s W_O, û_s⟩) û_s with û_s the
    unembedding of source token s at length 1; the rest, output − S, is replaced by its mean over all positions of
    all prompts. kl_kept, kl_mean: means over all positions, in nats. All are the same under an odd kernel's flip.
    A norm after attention (Gemma) divides all parts by its scale in the untouched run, position by position.
    Unembeddings are taken less their mean, so that what is added to all logits alike changes nothing.

    explained and its null are NaN where there is no effect to explain: kl_mean below FLOOR, or no prompt of two tokens,
    as a single token has no other to suppress.
    """

    drawn_by = "interventions:suppression_effect_figure"

    explained: Float[Tensor, "layer head"]
    explained_null: Float[Tensor, "layer head"]
    explained_null_spread: Float[Tensor, "layer head"]
    kl_kept: Float[Tensor, "layer head"]
    kl_mean: Float[Tensor, "layer head"]


def suppression_effect(
    model: HookedModel,
    prompts: Sequence[PromptTokens],
    samples: int = SAMPLES,
    batch_size: int = ROWS,
    watch: Watch = watch_nothing,
) -> SuppressionEffect:
    """All heads of a hooked model; every head of a prompt is ablated 2 + samples times, each in a row of its own.

    One layer is held at a time; passes begin at it, and at most batch_size rows share one. watch(done, total) counts
    ablations of all heads of a layer in a prompt. Hooks are state: the caller lets one run in at a time. Raises
    ValueError for no prompt, and for a model whose W_O or W_U is misread.
    """
    if not prompts:
        raise ValueError("suppression was asked of no prompt; give one at least")
    weights = head_weights(model)
    weights.refuse_misread("W_O", "W_U")
    layers, kept = head_layers(model), kept_runs(model, prompts)
    step = step_counter(watch, len(layers) * len(prompts) * (2 + samples))

    def of_layer(layer: int) -> Float[Tensor, "field head"]:
        runs = layer_heads(model, weights, kept, layer)
        return layer_suppression(
            runs, weights.W_U_centred, lambda parts: kl_keeping(model, runs, parts, batch_size, step), samples
        )

    fields = torch.stack([of_layer(layer) for layer in layers], 1)
    return SuppressionEffect(*fields, about=ABOUT)


def layer_suppression(
    runs: Sequence[LayerHeads], W_U: Float[Tensor, "d_model vocab"], keeping: Keeping, samples: int
) -> Float[Tensor, "field head"]:
    """The fields of SuppressionEffect for the heads of one layer; keeping: the KL when heads keep a part."""

    def suppressing(sources: Sequence[Int[Tensor, "_"]]) -> Float[Tensor, "head"]:
        return keeping(suppression(run, W_U[:, own]) for run, own in zip(runs, sources, strict=True))

    kl_mean = keeping(torch.zeros_like(run.output) for run in runs)
    kl_kept = suppressing([run.ids for run in runs])
    whole = effect_to_explain(kl_mean, max(len(run.ids) for run in runs))
    null = null_of(lambda dice: 1 - suppressing([shuffled_token_ids(run.ids, dice) for run in runs]) / whole, samples)
    return torch.stack([1 - kl_kept / whole, null.mean, null.spread, kl_kept, kl_mean])


def effect_to_explain(kl_mean: Float[Tensor, "head"], longest: int) -> Float[Tensor, "head"]:
    """The KL of mean ablation; NaN where it is rounding, and where the longest prompt is a single token."""
    there = (kl_mean >= FLOOR) & (longest > 1)
    return kl_mean.where(there, torch.nan)


def suppression(run: LayerHeads, unembeddings: Float[Tensor, "d_model key"]) -> Float[Tensor, "head pos d_model"]:
    """S of every head: its output's negative components along the source tokens' unembeddings."""
    directions = normalize(unembeddings, dim=0)
    [terms] = ov_terms(run.values[None], run.W_O[None], directions)
    return (run.pattern * terms[:, None]).clamp(max=0) @ directions.T / run.scale


def kl_keeping(
    model: HookedModel,
    runs: Sequence[LayerHeads],
    parts: Iterable[Float[Tensor, "head _ d_model"]],
    batch_size: int,
    step: Callable[[], None],
) -> Float[Tensor, "head"]:
    """Mean KL from the untouched runs when a head keeps a part of its output and the rest is the rest's mean."""
    rests = [run.output - part for run, part in zip(runs, parts, strict=True)]
    mean = sum(rest.sum(1, keepdim=True) for rest in rests) / sum(rest.shape[1] for rest in rests)

    def kl(of: LayerHeads, rest: Float[Tensor, "head pos d_model"]) -> Float[Tensor, "head pos"]:
        parts = (mean - rest).split(of.run.rows(batch_size))
        result = torch.cat([divergences(model, of, change) for change in parts])
        step()
        return result

    return torch.cat([kl(*item) for item in zip(runs, rests, strict=True)], 1).mean(1)


def divergences(
    model: HookedModel, of: LayerHeads, change: Float[Tensor, "row pos d_model"]
) -> Float[Tensor, "row pos"]:
    """KL from the untouched run at every position, one change of the layer's attention in each row."""
    hook = (f"blocks.{of.layer}.hook_attn_out", lambda out, hook: out + change.to(out))
    after = of.run.touched_logits(model, of.layer, len(change), [hook])
    return row_changes(of.run.answers, after, torch.tensor([], dtype=torch.int64)).kl


def shuffled_token_ids(ids: Int[Tensor, "pos"], dice: torch.Generator) -> Int[Tensor, "pos"]:
    """The tokens in an order drawn at random."""
    return ids[torch.rand(ids.shape, generator=dice).argsort()]
