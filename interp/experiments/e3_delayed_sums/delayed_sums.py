"""E3: expressive attention solves harder sequences than dot-product attention at equal size."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.arms import arm_curves, arm_grid, arm_numbers, arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.margin import SHARE, Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_trials import SIZES, SequenceSize, delayed_sums, trials
from headscope.interp.experiments.e3_delayed_sums.task_models import (
    LR,
    SAVED,
    SPECS,
    decoder_fields,
    measured_on_the_way,
    trained_model,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.tasks.answering import answers
from headscope.models.data.tasks.delayed_sum_windows import windows_in
from headscope.models.training.recipe import Recipe

SOURCE = "Gros 2024 (2407.18601), NT prediction tasks"
SOLVED = 0.95
ACCURATE = SHARE
ONE_LAW = Margin(1.0, "one law; a count knows nothing smaller")
SOLVES = Floor(1.0, "laws solved", "one law")
ACCURACY = About(
    title="Accuracy on held-out cycles",
    unit="share of the symbols asked for",
    law="share of x_t, τ ≤ t < period, whose likeliest symbol is (x_{t−1} + x_{t−τ}) mod N, in windows that begin "
    "with distinct states of cycles that training never met; period: the length of the cycle",
    source=SOURCE,
    plain="How often each model goes on rightly with a sequence of which it has not seen a single state.",
)


def measure(trial: Trial, size: SequenceSize, place: Place, watch: Watch) -> Numbers:
    """Train, and answer on cycles held out and on cycles trained on."""
    of_trial = windows_in(delayed_sums(trial, size))
    folder = trained_once(sequence_recipe(trial, size), place.own / TRAINED, watch, trial.key)
    model = trained_model(folder)
    facts = {"seen_accuracy": answers(model, of_trial.seen).accuracy, "parameters": model.num_parameters()}
    return {**asdict(answers(model, of_trial.held_out)), **facts, **measured_on_the_way(folder, "accuracy")}


def sequence_recipe(trial: Trial, size: SequenceSize) -> Recipe:
    """The recipe of a trial: the same for every attention."""
    steps = size.steps if trial.condition["task"] == "alone" else size.mixture_steps
    return Recipe(
        model=decoder_fields(size.d_model, size.layers, size.heads, size.length + 1),
        data={"source": "delayed_sums", **asdict(delayed_sums(trial, size))},
        attention=SPECS[str(trial.condition["variant"])].to_json(),
        steps=steps,
        batch=size.batch,
        seed=trial.seed,
        lr=LR,
        warmup=min(100, steps // 5),
        measure_every=max(1, steps // 10),
        save_every=SAVED,
        snapshots=0,
    )


def over_the_grid(outcome: Outcome, number: str = "accuracy") -> Float[np.ndarray, "seed cell *step"]:
    """A number by seed and law."""
    values, seeds = outcome.sample(number), np.array([item.trial.seed for item in outcome.trials])
    return np.array([values[seeds == seed] for seed in np.unique(seeds)])


def judge(outcome: Outcome) -> list[Verdict]:
    """Expressive attention against softmax: over the grid, by laws solved, and on the mixture."""
    alone, mixed = outcome.where(task="alone"), outcome.where(task="mixture")
    chance = float(np.mean([1 / int(item.trial.condition["N"]) for item in alone.trials]))
    floor = Floor(chance + ACCURATE.size, "accuracy", "chance and the margin")
    of_grid = "Expressive attention is more accurate than softmax over the grid of (N, τ)"
    of_mixture = "It is more accurate when one model learns all laws"
    return [
        accuracy_verdict(of_grid, "accuracy over the grid", alone, floor),
        solved_verdict(alone),
        accuracy_verdict(of_mixture, "accuracy on the mixture", mixed, floor),
    ]


def accuracy_verdict(claim: str, name: str, outcome: Outcome, floor: Floor) -> Verdict:
    """On the mean accuracy of a seed's trials, which was measured through training too."""
    both = [outcome.where(variant=variant) for variant in ("expressive", "softmax")]
    ours, softmax = (over_the_grid(arm).mean(1) for arm in both)
    curves = [over_the_grid(arm, "accuracy_by_step").mean(1) for arm in both]
    answer = superiority_answer(ours, softmax, ACCURATE)
    answer = budget_answer(answer, lead_by_steps(outcome.first("steps"), *curves))
    return Verdict(
        claim, "it is", pair_with_spread(ours, softmax), measurable_answer(answer, [ours, softmax], floor), name
    )


def solved_verdict(outcome: Outcome) -> Verdict:
    """On how many laws a seed's models solve."""
    grids = [over_the_grid(outcome.where(variant=variant)) for variant in ("expressive", "softmax")]
    ours, softmax = (np.where(np.isnan(grid), np.nan, grid >= SOLVED).sum(1) for grid in grids)
    answer = measurable_answer(superiority_answer(ours, softmax, ONE_LAW), [ours, softmax], SOLVES)
    return Verdict(
        f"It solves more laws (accuracy of {SOLVED} or more)",
        "it is",
        pair_with_spread(ours, softmax),
        answer,
        "laws solved",
    )


def results(outcome: Outcome) -> Mapping[str, Result]:
    """The grid of every attention, the mixture, and how the accuracy on it grew."""
    alone, mixed = (arms(outcome.where(task=task), "variant") for task in ("alone", "mixture"))
    steps = outcome.where(task="mixture").first("steps")
    of_all = replace(ACCURACY, title="Accuracy of one model for all laws")
    on_the_way = replace(ACCURACY, title=f"{of_all.title} through training")
    return {
        "accuracy": arm_grid(alone, "accuracy", "N", "τ", ACCURACY),
        "mixture": arm_numbers(mixed, "accuracy", of_all),
        "mixture_by_step": arm_curves(mixed, "accuracy_by_step", steps, on_the_way, "step"),
    }


EXPERIMENT = Experiment(
    name="E3",
    title="Does expressive attention solve harder sequences than softmax at equal size?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="x_t = (x_{t−1} + x_{t−τ}) mod N; the map of states, the last τ symbols, is a permutation, whose cycles are "
    "computed exactly. Cycles in a random order, the same for all trials, are held out as long as they fit into a "
    "quarter of the states; a cell of fewer than 6 cycles, or whose held-out ones have under a tenth of the states, is "
    "left out. Loss and accuracy count x_t with τ ≤ t < period alone: earlier ones are not determined, and later ones "
    "stood in the window a period before, so that they can be copied. A held-out state begins one measured "
    "window at most: all of them do, or as many as the size measures, chosen once for all models; of the mixture "
    "equally many of each law, as far as it has them. Accuracy is that after the last step; nothing is tuned for one "
    "variant: a two-layer Llama of width 64 with RoPE, every layer of the variant, equal in size but for selective's "
    "temperatures. Steps and length were chosen by the time they take, and one run of softmax with another seed and "
    "rate. The paper's own models were not repeated: they differ in layers, positions and training.",
)
