"""Effect: what interventions change in a model's predictions, position by position, against the untouched run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.interventions.divergence import divergence
from headscope.interp.interventions.intervention import SIGNED, Intervention
from headscope.interp.interventions.touched_run import editing_hooks, logits_of_prompt, refuse_outside
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.model_facts import layer_gauges
from headscope.interp.reading.prompt import Prompt, answer_names
from headscope.interp.results.about import About
from headscope.interp.results.gauges import Gauge
from headscope.interp.results.result import Result
from headscope.models.io.fields import Fields

RANKS = 5
NUMBERS = ("kl", "loss_change", "target_change", "distractor_change", "changed", "after_ids", "after_probability")
ABOUT = About(
    title="Effect of interventions",
    unit="nats; logits for target and distractor",
    law="touched run − untouched run at every position; KL(untouched ‖ touched)",
    source="headscope",
    plain="What changes in the model's predictions, at every position, when the weights are edited as listed.",
)


@dataclass(frozen=True, repr=False)
class InterventionEffect(Result):
    """Changes at every position, and the likeliest next tokens before and after; strings: their texts by id.

    loss_change: of the cross-entropy of the next token, NaN at the last position, whose next token is not known.
    target_change, distractor_change: of the logit of that token. changed: whether the likeliest token is another.
    Nothing touched changes nothing: the null is 0.
    """

    drawn_by = "interventions:intervention_figure"

    kl: Float[Tensor, "position"]
    loss_change: Float[Tensor, "position"]
    changed: Bool[Tensor, "position"]
    before_ids: Int[Tensor, "position rank"]
    before_probability: Float[Tensor, "position rank"]
    after_ids: Int[Tensor, "position rank"]
    after_probability: Float[Tensor, "position rank"]
    target_change: Float[Tensor, "position"] | None = None
    distractor_change: Float[Tensor, "position"] | None = None
    interventions: tuple[Fields, ...] = ()
    strings: Mapping[int, str] | None = None


def intervene(
    model: HookedModel,
    tokens: Prompt,
    interventions: Sequence[Intervention],
    target: int | None = None,
    distractor: int | None = None,
) -> InterventionEffect:
    """Run a prompt untouched and with the interventions, in their order. Hooks are state: one run in at a time.

    target, distractor: token ids. Raises ValueError for what the model or the prompt does not have, and for edits
    whose values are too large for the numbers of the model.
    """
    refuse_outside(model, len(tokens), interventions)
    for token in (target, distractor):
        if token is not None and not 0 <= token < (answers := model.cfg.d_vocab_out):
            raise ValueError(f"token id {token} was asked for; ids run from 0 to {answers - 1}")
    before = logits_of_prompt(model, tokens)
    after = logits_of_prompt(model, tokens, editing_hooks(interventions))
    refuse_overflow(before, after)
    result = changed_answers(before, after, answers_known(tokens), target, distractor)
    ids = torch.cat([result.before_ids, result.after_ids]).unique().tolist()
    return replace(
        result,
        interventions=tuple(intervention.to_json() for intervention in interventions),
        strings={i: answer_names(model)(i) for i in ids},
        about=replace(result.about, by_gauge={**result.about.by_gauge, **changed_by_gauge(model, interventions)}),
        labels={"position": tokens.strings if len(before) > 1 else (tokens.strings[tokens.read_out],)},
    )


def refuse_overflow(before: Float[Tensor, "pos vocab"], after: Float[Tensor, "pos vocab"]) -> None:
    """Raise ValueError where logits that were finite are not any more."""
    if (before.isfinite() & ~after.isfinite()).any():
        raise ValueError("with these edits the logits are no finite numbers: scale by less, or set smaller weights")


def effect(
    before: Float[Tensor, "pos vocab"],
    after: Float[Tensor, "pos vocab"],
    ids: Int[Tensor, "pos"],
    target: int | None = None,
    distractor: int | None = None,
) -> InterventionEffect:
    """The changes between two runs over the same text, from their logits."""
    return changed_answers(before, after, ids[1:], target, distractor)


def changed_answers(
    before: Float[Tensor, "pos vocab"],
    after: Float[Tensor, "pos vocab"],
    known: Int[Tensor, "pos_known"],
    target: int | None = None,
    distractor: int | None = None,
) -> InterventionEffect:
    """The changes between two runs over the same prompt, from their logits; known: the right answers, as `losses`."""
    ranks = min(RANKS, before.shape[-1])
    likely, now_likely = (logits.softmax(-1).topk(ranks) for logits in (before, after))
    request = {"target_change": target, "distractor_change": distractor}
    changes = {name: (after - before)[:, token] for name, token in request.items() if token is not None}
    return InterventionEffect(
        kl=divergence(before, after),
        loss_change=losses_by_position(after, known) - losses_by_position(before, known),
        changed=likely.indices[:, 0] != now_likely.indices[:, 0],
        before_ids=likely.indices,
        before_probability=likely.values,
        after_ids=now_likely.indices,
        after_probability=now_likely.values,
        target_change=changes.get("target_change"),
        distractor_change=changes.get("distractor_change"),
        about=replace(ABOUT, by_gauge={"logits": tuple(changes)} if changes else {}),
    )


def answers_known(prompt: Prompt) -> Int[Tensor, "pos_known"]:
    """The token that followed each position, of all but the last; of an image its class, where that is known."""
    return torch.tensor(prompt.known_answers, dtype=torch.int64)


def losses_by_position(logits: Float[Tensor, "pos vocab"], known: Int[Tensor, "pos_known"]) -> Float[Tensor, "pos"]:
    """Cross-entropy of the right answer at each position; NaN behind those that are known."""
    result = torch.nn.functional.cross_entropy(logits[: len(known)], known, reduction="none")
    return torch.cat([result, result.new_full((len(logits) - len(known),), torch.nan)])


def changed_by_gauge(model: HookedModel, interventions: Sequence[Intervention]) -> dict[Gauge, tuple[str, ...]]:
    """The numbers that depend on a gauge, because an edit tells apart weights that the kernel of its layer does not."""
    gauges = {
        intervention.layer: set(layer_gauges(model.blocks[intervention.layer].attn)) for intervention in interventions
    }
    return {
        gauge: NUMBERS
        for intervention in interventions
        for gauge in gauges_seen(intervention) & gauges[intervention.layer]
    }


def gauges_seen(intervention: Intervention) -> set[Gauge]:
    """Which gauges change what an edit does: it looks at signs, or puts a weight of its own in their place."""
    sets = intervention.kind == "set" and intervention.value != 0
    result: dict[Gauge, bool] = {"odd": sets or intervention.kind in SIGNED, "scale": sets}
    return {gauge for gauge, sees in result.items() if sees}
