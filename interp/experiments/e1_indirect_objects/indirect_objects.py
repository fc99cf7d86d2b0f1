"""E1: Cog attention moves copying and deletion from the OV circuit to the weights."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from headscope.interp.arms.arm_points import arm_points
from headscope.interp.arms.arms import ArmGrid, Arms, arm_numbers, arms, mean_and_spread, sample_numbers
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.deletion.attention_contribution import ABOUT as SCATTER
from headscope.interp.deletion.decision_plane import ABOUT as PLANE
from headscope.interp.deletion.quadrants import ABOUT as QUARTERS
from headscope.interp.deletion.quadrants import QUADRANTS
from headscope.interp.experiments.e1_indirect_objects.name_circuits import PATCHING, circuit_numbers
from headscope.interp.experiments.e1_indirect_objects.story_claims import judge
from headscope.interp.experiments.e1_indirect_objects.story_models import SIZES, StorySize, story_model, story_trials
from headscope.interp.experiments.e1_indirect_objects.story_prompts import (
    alike_gifts,
    answer_numbers,
    mixed_gifts,
    story_pairs,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.interventions.path_patching import ABOUT as PATCHED
from headscope.interp.interventions.path_patching import PathPatching
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hooked.loading import load

SOURCE = "Lv et al. 2024 (arXiv 2411.07176), section 4; Wang et al. 2022 (arXiv 2211.00593)"
RIGHT = About(
    title="Stories answered",
    unit="share of prompts",
    law="the likeliest next token is the indirect object; pairs of names that no training text brings together",
    source=SOURCE,
    plain="How often each model names the one who is given something. Knowing the two names alone gives one half.",
)
DIFFERENCE = About(
    title="Logit difference",
    unit="logits",
    law="logit of the indirect object less that of the subject, after the last token; mean over prompts",
    source=SOURCE,
    plain="By how much each model prefers the one who is given something to the one who gives.",
)
NEGATIVE = About(
    title="The strongest negative head's weight on the name that it deletes",
    unit="weight",
    law="mean over prompts of ± Σ A[END, positions of the name], + where the head copies mostly at positive weights; "
    "the head of the inner layers and the name with the most negative mean contribution to the name's own logit",
    source=f"{SOURCE}; the sign: headscope",
    plain="The head that lowers a name's logit most: does it attend to that name as it attends to what it copies? "
    "Below zero it turns its weight to delete; above zero its OV circuit deletes what it attends to.",
)
MINORITY = About(
    title="Deletion by the sign that a head has less of",
    unit="share of all deletion",
    law="Σ abs(C) of contributions below 0 by weights of each head's minority sign, that with less Σ abs(A), over all "
    "heads of the inner layers and all prompts, over the same sum by weights of either sign; signs dealt anew: the "
    "ratio of both sums' exact means over all deals of the signs of every row",
    source="headscope, after Lv et al. 2024 (arXiv 2411.07176)",
    plain="Does a head that mostly has weights of one sign keep the other one for deleting? Above what dealt signs "
    "give, it does. A softmax head has no other sign.",
)


def measure(trial: Trial, size: StorySize, place: Place, watch: Watch) -> Numbers:
    """Train, then ask for held-out pairs, and look at the heads."""
    model = load(story_model(trial, size, place, watch))
    watch(f"{trial.key}: answers", 0, 1)
    answers = answer_numbers(model, story_pairs(mixed_gifts(size.prompts), model))
    watch(f"{trial.key}: circuits", 0, 1)
    return answers | circuit_numbers(model, story_pairs(alike_gifts(size.alike), model))


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Answers, minority signs, decisions, the negative head, quadrants, and path patching of the first seed."""
    by_arm = arms(outcome, "variant")
    scatter = replace(SCATTER, title="The strongest negative head: attention to names against contribution", null="")
    heads = replace(PLANE, title="Who decides: every inner head of every seed", null="")
    return {
        "accuracy": arm_numbers(by_arm, "accuracy", RIGHT, 0.5, "the two names alone"),
        "logit_difference": arm_numbers(by_arm, "logit_difference", DIFFERENCE, 0.0, "neither"),
        "minority_deletion": sample_numbers(minority_samples(by_arm), MINORITY),
        "negative_head": arm_numbers(by_arm, "relative_weight", NEGATIVE, 0.0, "no weight"),
        "scatter": arm_points(by_arm, "attention", "contribution", scatter, "attention to the name", "contribution"),
        "plane": arm_points(by_arm, "dynamic_by_head", "static_by_head", heads, "dynamic", "static"),
        "quadrants": quadrant_grid({arm: item for arm, item in by_arm.items() if item.finished}),
    } | {f"path_patching_{arm}": patching(arm, item) for arm, item in by_arm.items() if item.finished}


def minority_samples(by_arm: Arms) -> dict[str, Sample]:
    """Each arm's share, followed by that of dealt signs where there are two."""
    samples: dict[str, Sample] = {}
    for arm, item in by_arm.items():
        samples[arm] = item.sample("minority_deletion")
        if (null := item.sample("minority_deletion_null")).any():
            samples[f"{arm}, signs dealt anew"] = null
    return samples


SHARES = {"inner layers": "quadrants", "strongest negative head": "negative_quadrants"}


def quadrant_grid(by_arm: Arms) -> ArmGrid:
    """Shares of the four quadrants, of the inner layers and of the strongest negative head alone."""
    samples = [np.stack([item.sample(number) for number in SHARES.values()], axis=1) for item in by_arm.values()]
    mean, spread = mean_and_spread(samples)
    labels = {"arm": tuple(by_arm), "row": tuple(SHARES), "column": QUADRANTS}
    return ArmGrid(mean, spread, "heads of", "quadrant", about=replace(QUARTERS, null=""), labels=labels)


def patching(arm: str, trials: Outcome) -> PathPatching:
    """Path patching of an arm's first seed: heads of several seeds are not the same heads."""
    change, null, spread, before = (torch.tensor(trials.first(f"patching_{name}")) for name in PATCHING)
    about = replace(PATCHED, title=f"{PATCHED.title}: {arm}, seed {trials.finished[0].trial.seed}")
    return PathPatching(change, null, spread, before, of=f"{len(before)} stories", pairs=(), about=about)


EXPERIMENT = Experiment(
    name="E1",
    title="Does Cog attention delete by its weights instead of its OV circuit?",
    source=SOURCE,
    sizes=SIZES,
    trials=story_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Models of short stories in which two people meet and one gives the other something; a tenth of all pairs of "
    "names never meet in training, whose windows hold one story each, and are asked here, each pair with either "
    "name acting. Cog stands in all layers but the first and the last, as in the paper, and heads are compared in"
    " those layers. The sign of one Cog head's weights is a convention: mirrored, (W_Q, W_V) → −(W_Q, W_V), the "
    "head is the same, and training begins in either version alike often. So the weight of the strongest negative"
    " head is counted in the sign with which the head copies (of weights of one sign that sign; not measured "
    "where it copies next to nothing); this number, contributions and both decisions do not change when a head is"
    " mirrored. Quadrants and the points of the scatter are as trained. A softmax weight is never negative, by "
    "construction. All models have the same steps and texts; the paper's have 141 million parameters and read "
    "natural language. The weight of the strongest negative head is of either sign by seed, and drawn, not judged.",
    version=2,
    seeds=6,
)
