"""E2: Cog attention resists representational collapse as prompts grow."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from headscope.interp.arms.arms import arm_curves, arm_numbers, arms
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    equivalence_answer,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.asking.analyse import analyse
from headscope.interp.collapse.cancellation import PathCancellation
from headscope.interp.collapse.curves import ABOUT as COLLAPSE
from headscope.interp.collapse.curves import CollapseCurves, collapse
from headscope.interp.collapse.pairs import COUNT_ONES, FIND_A_ZERO, CollapsePair, count_ones, find_a_zero, question_ids
from headscope.interp.experiments.e7_language.language_models import (
    SIZES,
    LanguageSize,
    language_model,
    language_trials,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hooked.loading import load

SOURCE = "Lv et al. 2024 (2411.07176), figure 5 and its published code; Barbero et al. 2024 (2406.04267)"
QUESTIONS = {"count_ones": (count_ones, COUNT_ONES), "find_a_zero": (find_a_zero, FIND_A_ZERO)}
POINTS, GROWTH = 8, 10  # lengths of a curve, and how many times the first the last one is, as in the paper
DISTANCE = "chunked L∞ norm"
MARGIN = 0.05  # of D(n)/D(n₀)
KEPT_MORE = Margin(0.11, "half of the paper's difference, .32 − .10")
APART = Floor(0.05, "D(n₀) over that of unrelated prompts", "below it the pair is one prompt before any n has grown")
PROMPT = "The for statement is used to iterate over the elements of a sequence or other iterable object."
KEPT = About(
    title="D(n)/D(n₀) of the longest prompt",
    unit="share of the shortest",
    law=COLLAPSE.law,
    source=SOURCE,
    plain="How much of the distance between two nearly equal prompts is left when they are ten times as long.",
)
CANCELLED = About(
    title="Path cancellation of a sentence",
    unit="share of absolute paths",
    law="mean over tokens of 1 − |P_sgn| / P_abs, of contributions",
    source="headscope",
    plain="How much of what reaches the last token over many layers is undone on the way by paths of the other sign.",
)


def measure(trial: Trial, size: LanguageSize, place: Place, watch: Watch) -> Numbers:
    """The two curves of the trial's trained model, and the cancellation of its paths."""
    model = load(language_model(trial, size, place, watch))
    numbers: Numbers = {}
    for name in QUESTIONS:
        watch(f"{trial.key}: {name}", 0, 1)
        result = collapse(model, pairs_of(name, model))
        numbers |= curve_numbers(name, result)
    cancelled = analyse(model, PROMPT, ["path_cancellation"]).of("path_cancellation", PathCancellation)
    numbers["cancellation"] = float(cancelled.contribution_cancellation.mean())
    numbers["cancellation_null"] = float(cancelled.contribution_cancellation_null.mean())
    return numbers


def pairs_of(name: str, model: HookedModel) -> list[CollapsePair]:
    """Pairs of a question at lengths that grow tenfold, up to the model's context."""
    pairs, question = QUESTIONS[name]
    tokenizer = tokenizer_of(model)
    assert tokenizer is not None  # every model of the experiment reads text
    most = model.cfg.n_ctx - len(question_ids(question, tokenizer, prepend_bos=False)) - 1
    return pairs(tokenizer, lengths(most))


def lengths(most: int) -> list[int]:
    """Up to POINTS lengths from most/GROWTH to most, evenly spaced by ratio."""
    return sorted({round(n) for n in np.geomspace(max(1, most // GROWTH), most, POINTS)})


def curve_numbers(name: str, result: CollapseCurves) -> Numbers:
    """n, D(n)/D(n₀) and D(n) over the null after the final norm."""
    at = result.labels["distance"].index(DISTANCE)
    relative = result.relative[at, -1].tolist()
    over_null = (result.distance[at, -1] / result.distance_null[at, -1]).tolist()
    return {f"{name}_n": list(result.lengths), f"{name}_relative": relative, name: relative[-1]} | {
        f"{name}_over_null": over_null
    }


def judge(outcome: Outcome) -> list[Verdict]:
    """Cog keeps more than softmax when counting, and the same when looking for a zero."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    counted = cog.sample("count_ones"), softmax.sample("count_ones")
    sought = cog.sample("find_a_zero"), softmax.sample("find_a_zero")
    first = {name: [arm.entry(f"{name}_over_null", 0) for arm in (cog, softmax)] for name in QUESTIONS}
    return [
        Verdict(
            "On count_ones, D(n)/D(n₀) falls less for Cog than for softmax when n grows tenfold",
            ".32 against .10",
            pair_with_spread(*counted),
            measurable_answer(superiority_answer(*counted, KEPT_MORE), first["count_ones"], APART),
            "Cog keeps more of count_ones",
        ),
        Verdict(
            f"On find_a_zero it falls alike for both, to within {MARGIN}",
            ".133 against .135",
            pair_with_spread(*sought),
            measurable_answer(equivalence_answer(*sought, MARGIN), first["find_a_zero"], APART),
            "find_a_zero falls alike",
        ),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """The curves of both questions, what is left at the end, and the cancellation of paths."""
    by_arm = arms(outcome, "variant")
    drawn: dict[str, Result] = {}
    for name in QUESTIONS:
        about = replace(KEPT, title=f"{KEPT.title}: {name}")
        on_the_way = replace(KEPT, title=f"D(n)/D(n₀) as prompts grow: {name}")
        lengths = outcome.first(f"{name}_n")
        drawn[f"{name}_curve"] = arm_curves(by_arm, f"{name}_relative", lengths, on_the_way, "n", log_x=True)
        drawn[name] = arm_numbers(by_arm, name, about)
    drawn["cancellation"] = arm_numbers(by_arm, "cancellation", CANCELLED)
    return drawn


EXPERIMENT = Experiment(
    name="E2",
    title="Does Cog attention resist representational collapse?",
    source=SOURCE,
    sizes=SIZES,
    trials=language_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="The models of E7, asked as the paper's code asks: the question, then n ones. D is the chunked L∞ norm of "
    "the difference of the last token's residuals after the final norm; n grows tenfold up to the models' context, as "
    "in the paper, whose n are ten times as large.",
)
