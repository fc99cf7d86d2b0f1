"""E3: whether expressive attention, or another variant, solves harder sequences than softmax at equal size."""

from dataclasses import asdict

from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_claims import judge
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_results import SOURCE, results
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_sizes import SIZES, SequenceSize
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_trials import delayed_sums, sequence_recipe, trials
from headscope.interp.experiments.e3_delayed_sums.task_models import measured_on_the_way, trained_model
from headscope.interp.experiments.e3_delayed_sums.tuning_choice import (
    CLAIM_PART,
    chosen_tuning,
    tuning_numbers,
    tuning_scores,
)
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.models.data.tasks.answering import answers
from headscope.models.data.tasks.delayed_sum_windows import windows_in


def measure(trial: Trial, size: SequenceSize, place: Place, watch: Watch) -> Numbers:
    """Train as the variant is tuned, and answer on the cycles that claims are about and on cycles trained on."""
    variant, law = str(trial.condition["variant"]), size.laws[str(trial.condition["cell"])]
    scores = tuning_scores(variant, size, place, watch)
    recipe = sequence_recipe(variant, law, chosen_tuning(scores), seed=trial.seed, part=CLAIM_PART, size=size)
    folder = trained_once(recipe, place.own / TRAINED, watch, trial.key)
    windows, model = windows_in(delayed_sums(law, size, CLAIM_PART)), trained_model(folder)
    return {
        **asdict(answers(model, windows.held_out)),
        "seen_accuracy": answers(model, windows.seen).accuracy,
        "chance": 1 / law.N,
        "parameters": model.num_parameters(),
        **tuning_numbers(scores, size),
        **measured_on_the_way(folder, "accuracy"),
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
    "quarter of the states. A cell of fewer than 6 cycles, or whose held-out ones have under a tenth of the states, "
    "is left out: so is (5, 4), which has 3, of 1, 312 and 312 states. Loss and accuracy count x_t with τ ≤ t < "
    "period alone: earlier ones are not determined, and later ones stood in the window a period before, so that they "
    "can be copied. The cycles held out are halved, the longest first, each joining the half with fewer states by "
    "then. By the first half the deviation of the first weights and the rate of each variant are chosen, with seeds "
    "that no trial has, on a cell of few symbols, one of some and one of many: those with the best accuracy, mean "
    "over all measured steps of all these trainings; a tuning of which one diverged is not chosen. They serve all "
    "cells. On the second half all else is measured: a state begins one measured window at most, all of them or as "
    "many as the size measures, chosen once for all models. A two-layer Llama with RoPE, every layer of the variant, "
    "equal in size but for selective's temperatures. Accuracy is that after the last step. A cell is solved at the "
    "first measured step with an accuracy of .95; a training that ends before is censored there. All end at one step, "
    "so that of two times the sooner one is known unless both are censored, which is a tie, as are two cells solved "
    "at one measured step: a seed's number is the cells solved sooner less those solved later, and its mean over the "
    "seeds is judged as any other. Steps are those of the first design: softmax, once, with another seed, on the "
    "other half and at a rate from the middle of those to choose from, solved (16, 3) in half of them, and with more "
    "every variant might solve all. One model for all laws, as in the first design, is not asked: it needs several "
    "times the steps, and tunings of its own. E14 has the set-up of the paper.",
    version=2,
    seeds=10,
)
