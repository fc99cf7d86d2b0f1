"""E14: expressive attention solves harder sequences than softmax in the set-up of its paper, as far as it is known."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from headscope.interp.arms.arms import arm_grid, arms, sample_curves
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_results import ACCURACY, SOURCE
from headscope.interp.experiments.e3_delayed_sums.solving_steps import over_the_cells
from headscope.interp.experiments.e14_expressive_sequences.alibi_transformer import AlibiTransformer
from headscope.interp.experiments.e14_expressive_sequences.sequence_claims import judge
from headscope.interp.experiments.e14_expressive_sequences.sequence_training import (
    accuracy_on,
    sequences_of,
    train_by_sgd,
)
from headscope.interp.experiments.e14_expressive_sequences.sequence_trials import SIZES, PaperSize, trials
from headscope.interp.experiments.engine.experiment import PAPER, Experiment, Watch
from headscope.interp.results.result import Result
from headscope.models.data.tasks.answering import answer_loss


def measure(trial: Trial, size: PaperSize, place: Place, watch: Watch) -> Numbers:
    """Train and measure on the way; a trial that was stopped begins anew."""
    variant, kind, cell = (str(trial.condition[name]) for name in ("variant", "sequences", "cell"))
    law = size.laws(kind)[cell]
    sequences = sequences_of(kind, law, size.length, size.measured)
    symbols = max(N for N, _ in size.cells)
    model = AlibiTransformer(variant, symbols, size.d_model, size.layers, size.heads, trial.seed)
    curve: dict[int, float] = {}

    def loss_at(step: int) -> Tensor:
        drawn = sequences.training(np.random.default_rng([trial.seed, step]), size.batch)
        return answer_loss(model(drawn.ids), drawn.targets)

    def after(step: int) -> None:
        if step % size.measure_every == 0 or step == size.steps:
            watch(f"training {trial.key}", step, size.steps)
            curve[step] = accuracy_on(model, sequences.measured)

    train_by_sgd(model, loss_at, size.steps, after)
    by_step = {"steps": list(curve), "accuracy_by_step": list(curve.values())}
    return {"accuracy": curve[size.steps], "chance": 1 / law.N, **by_step}


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Accuracy by variant and cell, and how it grew."""
    steps = outcome.first("steps")
    curves = {
        f"{variant}, {kind}": over_the_cells(arm, "accuracy_by_step").mean(1)
        for kind, part in arms(outcome, "sequences").items()
        for variant, arm in arms(part, "variant").items()
    }
    about = replace(
        ACCURACY,
        title="Accuracy in the paper's set-up",
        law="share of x_t, τ ≤ t < period, whose likeliest symbol is (x_{t−1} + x_{t−τ}) mod N, in windows that begin "
        "with any state, or with distinct ones of cycles that training never met; period: the length of the cycle",
        plain="How often each model goes on rightly with a sequence that is drawn anew.",
    )
    on_the_way = replace(about, title=f"{about.title} through training")
    return {
        "accuracy": arm_grid(arms(outcome, "sequences"), "accuracy", "variant", "cell", about),
        "accuracy_by_step": sample_curves(curves, steps, on_the_way, "step"),
    }


EXPERIMENT = Experiment(
    name="E14",
    title="Does expressive attention solve harder sequences in the set-up of its paper?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="x_t = (x_{t−1} + x_{t−τ}) mod N, as in E3. Known of the paper's set-up and followed: two layers of four "
    "heads with LayerNorm, biases, a ReLU MLP of four widths, ALiBi, expressive attention of scores that are not "
    "scaled by 1/√d_head, while those of softmax are, and SGD at a rate of .01 with momentum .7. Not known to us, and "
    "ours: the width, windows of a step, their symbols, how many steps, LayerNorm before each block and before the "
    "unembedding, weights as PyTorch starts them, a rate that does not fall, the slopes of ALiBi, which are those of "
    "its own paper, and where its bias enters: −m · distance is added to the score before the square, so that far "
    "keys lose weight where the score is above 0 and gain it where it is below. What is asked of a window is what E3 "
    "asks: x_t with τ ≤ t < period. Nor do we know whether the paper held anything out. So it is done twice: fresh "
    "sequences begin with any state, in training and where they are measured, so that a state may have been met; "
    "held-out cycles are those of E3, all of them, and (5, 4), which has too few, is left out there. Models of a seed "
    "begin with equal weights and see equal windows. Nothing is tuned. Steps and windows were chosen by the time they "
    "take, and three runs on (4, 5) with another seed. At the default size training is far shorter than SGD at this "
    "rate needs to solve a cell of many symbols.",
    setting=PAPER,
    seeds=10,
)
