"""E2: Cog attention resists representational collapse as prompts grow."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from headscope.interp.arms.arms import Arms, arm_curves, arm_numbers, arms
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
from headscope.interp.experiments.e2_growing_prompts.sequence_models import (
    SIZES,
    SequenceSize,
    sequence_model,
    sequence_trials,
)
from headscope.interp.experiments.e2_growing_prompts.sequence_questions import (
    QUESTIONS,
    answer_numbers,
    distance_numbers,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.tasks.ones_and_zeros import COUNTS, spaced
from headscope.models.hooked.loading import load

SOURCE = "Lv et al. 2024 (2411.07176), figure 5 and its published code; Barbero et al. 2024 (2406.04267)"
KEPT_MORE = Margin(0.25, "half of the paper's difference: ln .32 − ln .10 over ln 10 is .5")
APART = Floor(0.05, "D(n₀) over that of unrelated prompts", "below it the pair is one prompt before any n has grown")
PROMPT = f"{COUNTS[0]} {spaced([1] * 12)}"
SLOPE = About(
    title="Slope of ln(D(n)/D of unrelated prompts) over ln n",
    unit="1",
    law="least squares over all n of the mean over questions of ln D(n) − ln D_unrelated(n); −1: as 1/n",
    source=SOURCE,
    plain="With which power of their length two nearly equal prompts come closer, beside unrelated prompts that grow "
    "alike. At 0 they do not.",
)
DISTANCE = About(
    title="D(n) over that of unrelated prompts",
    unit="share of the distance of unrelated prompts",
    law=f"{COLLAPSE.law}; geometric means over questions",
    source=SOURCE,
    plain="How far apart two nearly equal prompts are, beside prompts that have nothing in common.",
)
RIGHT = About(
    title="Questions answered",
    unit="share of sequences",
    law="the likeliest word but for the digits, behind the last digit, is the answer; sequences of all lengths",
    source="headscope",
    plain="How often each model counts the ones, or tells whether there is a zero.",
)
CANCELLED = About(
    title="Path cancellation of a question with twelve ones",
    unit="share of absolute paths",
    law="mean over tokens of 1 − |P_sgn| / P_abs, of contributions",
    source="headscope",
    plain="How much of what reaches the last token over many layers is undone on the way by paths of the other sign.",
)


def measure(trial: Trial, size: SequenceSize, place: Place, watch: Watch) -> Numbers:
    """What the trial's trained model answers, its distances of both kinds, and the cancellation of its paths."""
    model = load(sequence_model(trial, size, place, watch))
    numbers = answer_numbers(model, size)
    for kind in QUESTIONS:
        numbers |= distance_numbers(kind, model, size, partial(watch, f"{trial.key}: {kind}"))
    cancelled = analyse(model, PROMPT, ["path_cancellation"]).of("path_cancellation", PathCancellation)
    numbers["cancellation"] = float(cancelled.contribution_cancellation.mean())
    numbers["cancellation_null"] = float(cancelled.contribution_cancellation_null.mean())
    return numbers


def judge(outcome: Outcome) -> list[Verdict]:
    """Cog falls less than softmax when counting, and alike when looking for a zero."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    slopes = {kind: (cog.sample(f"{kind}_slope"), softmax.sample(f"{kind}_slope")) for kind in QUESTIONS}
    apart = {kind: [arm.sample(f"{kind}_apart") for arm in (cog, softmax)] for kind in QUESTIONS}
    counted, searched = slopes["count_ones"], slopes["find_a_zero"]
    return [
        Verdict(
            "On count_ones, D(n) beside unrelated prompts falls with a smaller power of n for Cog than for softmax",
            "slopes of −.5 against −1: .32 against .10 of it are left when n grows tenfold",
            pair_with_spread(*counted),
            measurable_answer(superiority_answer(*counted, KEPT_MORE), apart["count_ones"], APART),
            "Cog keeps more of count_ones",
        ),
        Verdict(
            f"On find_a_zero it falls alike for both: slopes are within {KEPT_MORE.size} of each other",
            "−.88 against −.87: .133 against .135 are left",
            pair_with_spread(*searched),
            measurable_answer(equivalence_answer(*searched, KEPT_MORE.size), apart["find_a_zero"], APART),
            "find_a_zero falls alike",
        ),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Of both kinds the curves, their slopes and what is answered; and the cancellation of paths."""
    by_arm = arms(outcome, "variant")
    drawn: dict[str, Result] = {}
    for kind in QUESTIONS:
        distance, slope, right = (replace(item, title=f"{item.title}: {kind}") for item in (DISTANCE, SLOPE, RIGHT))
        drawn[f"{kind}_curve"] = distance_curves(by_arm, kind, distance)
        drawn[f"{kind}_slope"] = arm_numbers(by_arm, f"{kind}_slope", slope, -1.0, "a mean over n tokens")
        drawn[f"{kind}_right"] = arm_numbers(by_arm, f"{kind}_right", right)
    drawn["cancellation"] = arm_numbers(by_arm, "cancellation", CANCELLED)
    return drawn


def distance_curves(by_arm: Arms, kind: str, about: About) -> Result:
    """D(n) over that of unrelated prompts, by arm."""
    n = next(item for item in by_arm.values() if item.finished).first(f"{kind}_n")
    return arm_curves(by_arm, f"{kind}_over_unrelated", n, about, "n", log_x=True, log_y=True)


EXPERIMENT = Experiment(
    name="E2",
    title="Does Cog attention resist representational collapse?",
    source=SOURCE,
    sizes=SIZES,
    trials=sequence_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Models that are trained on such questions and nothing else: one of 24 ways to ask how many ones, or 24 to "
    "ask whether there is a zero, then at most 112 digits, each a token, then the answer. Nothing says where a "
    "sequence ends, so that a model has to know the answer behind every digit. Asked as the paper's code asks: "
    "the question, then n − 1 or n ones; or 0 and n − 1 ones beside n ones; all questions of both kinds. D is the "
    "chunked L∞ norm of the difference of the last token's residuals after the final norm, beside that of prompts "
    "of equal length and equal last token that are otherwise drawn at random; n grows tenfold to the longest "
    "sequence of training, as in the paper, whose n are longer and whose models read natural language. Cog stands "
    "in all layers but the first and the last. Equal steps, texts and rates for both; nothing was tuned for "
    "either. The first round took the models of E7, which had read no such question and hardly told the shortest "
    "prompts apart, and judged the last point of a ratio.",
    version=2,
    seeds=6,
)
