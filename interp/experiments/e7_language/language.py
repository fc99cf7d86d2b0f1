"""E7: each variant is at least as good as softmax on language, at equal size and equal tokens."""

from dataclasses import replace

from headscope.interp.arms.by_budget import BUDGET
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e7_language.budget_models import (
    SIZES,
    LanguageBudgets,
    arm_rate_losses,
    budget_recipe,
    language_budget_trials,
)
from headscope.interp.experiments.e7_language.held_out_halves import half_loss
from headscope.interp.experiments.e7_language.language_claims import judge
from headscope.interp.experiments.e7_language.language_results import SOURCE, results
from headscope.interp.experiments.e7_language.training_cost import training_cost
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.rate_losses import CLAIM_HALF, rate_numbers
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once


def measure(trial: Trial, size: LanguageBudgets, place: Place, watch: Watch) -> Numbers:
    """Choose the arm's rate, train to the trial's budget, read the loss, and time steps of a fresh model."""
    arm, budget = str(trial.condition["variant"]), int(trial.condition[BUDGET])
    choice = rate_numbers(arm_rate_losses(arm, size, place, watch))
    recipe = replace(budget_recipe(arm, budget, trial.seed, size), lr=choice["rate"])
    folder = trained_once(recipe, place.own / TRAINED, watch, trial.key)
    return {"loss": half_loss(folder, CLAIM_HALF, size.windows), **choice, **training_cost(recipe)}


EXPERIMENT = Experiment(
    name="E7",
    title="Does each variant model language at least as well as softmax?",
    source=SOURCE,
    sizes=SIZES,
    trials=language_budget_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="A Llama of one size on the source of Python's standard library, in tokens of its own; 2 % of the documents "
    "are held out. Placement and options are those of the shipped models (cog in all layers but the first and the "
    "last, where softmax stays; cubic polynomial). Every budget is a training of its own: a warm-up of 100 steps, or "
    "of a fifth of a shorter one, then a cosine that falls to 0 at its last step. Within a seed all arms and budgets "
    "see the same windows in the same order and begin with the same weights, but for what a variant adds. The rate of "
    "an arm is the one of 1, 2, 4 and 8 thousandths at which a training of 500 steps on a seed that no trial has ends "
    "at the least loss; it serves all budgets and seeds of the arm, so that it may suit 500 steps better than others. "
    "The first half of the held-out text chooses, 128 windows of the second are judged; one document may lie in both. "
    "All else is as in the shipped models' recipes. Selective attention begins as its shipped model does, with σ(α) = "
    "½, τ = 3.4 at 128 tokens, and in an arm of its own with σ(α) = .0025, τ ≤ 1.012, within the 1.0 to 1.06 of its "
    "authors: that changes next to nothing, and leaves its positional part free to learn. Claims are judged at the "
    "largest budget, and the others asked whether the answer depends on them. CPU time is of this code on one core, "
    "taken while other work ran beside. The papers' models are larger and train longer: what is ahead after few steps "
    "need not stay ahead. The margin is that of the first round, whose results, one budget of 500 steps, were known "
    "when this one was designed.",
    version=2,
)
