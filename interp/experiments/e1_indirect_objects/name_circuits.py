"""Name circuits: what the heads of a model of stories do to the two names, and which head deletes one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.analysis import Setting
from headscope.interp.arms.trial import Numbers
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.deletion.attention_contribution import attention_contribution, name_points
from headscope.interp.deletion.decision_plane import DecisionPlane
from headscope.interp.deletion.name_effects import NameEffects, NegativeHead, name_effects, negative_head, together
from headscope.interp.deletion.of_head import VALUES, Z
from headscope.interp.deletion.quadrants import Quadrants
from headscope.interp.deletion.rows import own_ov_terms
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.experiments.e1_indirect_objects.minority_signs import minority_numbers
from headscope.interp.interventions.path_patching import path_patching
from headscope.interp.reading.activations import PATTERN, Activations, gathered_activations
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_pair import PromptPair

COPIES = 0.05  # the least share of raising contributions of a head that is said to copy
PLANE = ("dynamic", "static", "dynamic_null", "static_null")
PATCHING = ("change", "change_null", "change_null_spread", "difference")
ROWS = 64


@dataclass(frozen=True)
class StoryRuns:
    """The clean prompts of some pairs with their activations, and what is known of the model."""

    setting: Setting
    pairs: Sequence[PromptPair]
    runs: Sequence[Activations]


def inner_layers(model: HookedModel) -> list[int]:
    """All layers but the first and the last: those that have their variant's kernel in a Cogformer."""
    return list(range(1, model.cfg.n_layers - 1))


def circuit_numbers(model: HookedModel, pairs: Sequence[PromptPair]) -> Numbers:
    """Decisions, quadrants, minority signs and strongest negative head of the inner layers, path patching of all."""
    inner, prompts = inner_layers(model), [pair.clean for pair in pairs]
    findings = analyse(model, prompts, ["decision_plane", "deletion"], batch_size=ROWS)
    plane, quadrants = findings.of("decision_plane", DecisionPlane), findings.of("deletion", Quadrants)
    stories = story_runs(model, pairs)
    effects = effects_of(stories)
    at = negative_head(effects, inner)
    share = quadrants.share[at.layer, at.head]
    negative = negative_numbers(effects, at, copying_sign(share)) | {"negative_quadrants": share.tolist()}
    decisions = decision_numbers(plane, inner) | {"quadrants": quadrants.layer_share[inner].mean(0).tolist()}
    minority = minority_numbers(stories.setting, stories.runs, inner)
    return decisions | minority | negative | scatter_numbers(stories, at) | patching_numbers(model, pairs)


def copying_sign(share: Float[Tensor, "quadrant"]) -> float:
    """The sign of the weights with which a head copies; NaN of weights of both signs that copy next to nothing.

    The sign of all its weights where they have one, as every softmax head does. A mirrored head has the other sign.
    """
    copy, ov_deletion, weight_deletion, double_negative = share.tolist()
    if weight_deletion + double_negative == 0:
        return 1.0
    if copy + ov_deletion == 0:
        return -1.0
    if copy + double_negative < COPIES:
        return float("nan")
    return 1.0 if copy >= double_negative else -1.0


def story_runs(model: HookedModel, pairs: Sequence[PromptPair]) -> StoryRuns:
    """All clean prompts in one forward pass: they are of one length."""
    prompts = [pair.clean for pair in pairs]
    setting = asked_of(model, prompts, Choices(), prepend_bos=False).setting
    return StoryRuns(setting, pairs, gathered_activations(model, prompts, (PATTERN, VALUES, Z, *SCALES)))


def effects_of(stories: StoryRuns) -> NameEffects:
    """What every head does to the indirect object and to the subject, in that order."""
    return together(
        [
            name_effects(run[PATTERN], own_ov_terms(stories.setting, run), scale_to_logits(run), positions_of(pair))
            for pair, run in zip(stories.pairs, stories.runs, strict=True)
        ]
    )


def positions_of(pair: PromptPair) -> Bool[Tensor, "name key"]:
    """Which tokens of a clean prompt are the indirect object, and which the subject."""
    ids = torch.tensor(pair.clean.ids)
    return torch.stack([ids == pair.target, ids == pair.distractor])


def decision_numbers(plane: DecisionPlane, layers: list[int]) -> Numbers:
    """Means over the heads of some layers, and both decisions of each head."""
    chosen = {name: getattr(plane, name)[layers] for name in PLANE}
    by_head = {f"{name}_by_head": chosen[name].flatten().tolist() for name in PLANE[:2]}
    return {name: float(values.nanmean()) for name, values in chosen.items()} | by_head


def negative_numbers(effects: NameEffects, at: NegativeHead, sign: float) -> Numbers:
    """The head's weight on the name that it deletes, as it is and in the sign of weight with which the head copies."""
    weight, effect = effects.weight[:, at.layer, at.head], effects.effect[:, at.layer, at.head]
    mean = float(weight[:, at.name].mean())
    return {
        "negative": [at.layer, at.head, at.name],
        "effect": float(effect[:, at.name].mean()),
        "ov_per_weight": float((effect / weight)[:, at.name].nanmedian()),
        "weight": mean,
        "relative_weight": sign * mean,
        "opposite_signs": float((weight.prod(-1) < 0).float().mean()),
    }


def scatter_numbers(stories: StoryRuns, at: NegativeHead) -> Numbers:
    """Attention of one head to both names against what its output does to their logits, and |r| beside its null."""
    W_O, W_U = stories.setting.weights.W_O, stories.setting.weights.W_U_centred
    points = [
        name_points(run[PATTERN], run[Z], W_O, positions_of(pair), W_U[:, [pair.target, pair.distractor]])
        for pair, run in zip(stories.pairs, stories.runs, strict=True)
    ]
    result = attention_contribution(points)
    fields = ("attention", "contribution", "strength", "strength_null")
    return {name: getattr(result, name)[at.layer, at.head].tolist() for name in fields}


def patching_numbers(model: HookedModel, pairs: Sequence[PromptPair]) -> Numbers:
    """Path patching of every head to the logit difference, with its null."""
    result = path_patching(model, pairs, batch_size=ROWS)
    return {f"patching_{name}": getattr(result, name).tolist() for name in PATCHING}
