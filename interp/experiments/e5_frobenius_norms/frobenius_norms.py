"""E5: softmax works by bounding ‖A‖_F; x^p/√N does as well, unscaled x^p does not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from headscope.interp.arms.arms import Arms, arm_curves, arm_numbers, arms
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.evidence import Answer
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    noninferiority_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e5_frobenius_norms.norms_of_layers import norms_and_gradients
from headscope.interp.experiments.engine.experiment import Experiment, Watch
from headscope.interp.experiments.engine.trained_once import TRAINED, trained_once
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.data.images.digits import CLASSES, SIZE
from headscope.models.fitting.history import Record, read_history
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.training.recipe import Recipe

SOURCE = "Saratchandran et al. 2024 (2410.18613), theorems 4.1 to 4.3, table 1 and figure 2"
ACCURACY = About(
    title="Accuracy on held-out digits",
    unit="share",
    law="share of held-out images whose likeliest class is the right one",
    source=SOURCE,
    plain="How many digits that were not trained on are told right.",
)
NORM = About(
    title="‖A‖_F/√N, mean of all layers",
    unit="1",
    law="mean over images and heads of ‖A‖_F/√N; softmax: at most 1",
    source=SOURCE,
    plain="How large the attention matrix is as a whole, beside the bound that softmax keeps.",
)
GRADIENT = About(
    title="Gradient norm of W_Q and W_K, mean of all layers",
    unit="nats per unit of weight",
    law="‖∂loss/∂(W_Q, W_K)‖ on a fixed batch, before clipping",
    source=SOURCE,
    plain="How strongly the loss pulls at what forms the scores.",
)


@dataclass(frozen=True)
class VisionSize:
    """Steps, width and depth of the model, the side of a patch in pixels, the images of a step."""

    steps: int
    d_model: int
    layers: int
    heads: int
    patch: int
    batch: int
    measure_every: int


SIZES = {
    "smoke": VisionSize(steps=4, d_model=16, layers=2, heads=2, patch=4, batch=8, measure_every=2),
    "default": VisionSize(steps=800, d_model=48, layers=4, heads=4, patch=1, batch=32, measure_every=80),
    "full": VisionSize(steps=5000, d_model=192, layers=9, heads=6, patch=1, batch=128, measure_every=100),
}
POWERS = (1, 2, 3)
MARGIN = 0.02  # of accuracy
WORSE = Margin(MARGIN, "the margin of 'at least as well'")
LEARNED = Floor(1 / CLASSES + MARGIN, "accuracy", "chance and the margin")
UNSCALED = {power: f"x^{power}" for power in POWERS}
SCALED = {power: f"{name}/sqrt(N)" for power, name in UNSCALED.items()}


def trials(size: VisionSize, seeds: int) -> list[Trial]:
    """Softmax, and each power with and without 1/√N."""
    names = ("softmax", *SCALED.values(), *UNSCALED.values())
    return [Trial({"attention": name}, seed) for seed in range(seeds) for name in names]


def arm_spec(name: str, size: VisionSize) -> AttentionSpec:
    """The attention of an arm; N counts the patches and the class token."""
    if name == "softmax":
        return AttentionSpec("softmax")
    powers = {arm: power for table in (SCALED, UNSCALED) for power, arm in table.items()}
    coefficient = tokens(size) ** -0.5 if name in SCALED.values() else 1.0
    return AttentionSpec("polynomial", power=powers[name], coefficient=coefficient)


def tokens(size: VisionSize) -> int:
    """N: the patches and the class token."""
    return (SIZE // size.patch) ** 2 + 1


def measure(trial: Trial, size: VisionSize, place: Place, watch: Watch) -> Numbers:
    """Train, with accuracy, norms and gradients on the way."""
    folder = trained_once(vision_recipe(trial, size), place.own / TRAINED, watch, trial.key, more=norms_and_gradients)
    return history_numbers(read_history(folder / "history.jsonl"), size)


def vision_recipe(trial: Trial, size: VisionSize) -> Recipe:
    """The recipe of a trial: the same for all arms but for the attention."""
    shape = {
        "model_type": "vit",
        "hidden_size": size.d_model,
        "intermediate_size": 2 * size.d_model,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "patch_size": size.patch,
        "initializer_range": size.d_model**-0.5,
    }
    return Recipe(
        model=shape,
        data={"source": "digits"},
        attention=arm_spec(str(trial.condition["attention"]), size).to_json(),
        steps=size.steps,
        batch=size.batch,
        seed=trial.seed,
        measure_every=size.measure_every,
        snapshots=0,
    )


def history_numbers(history: list[Record], size: VisionSize) -> Numbers:
    """The curves of a history."""
    measured = [record for record in history if "accuracy" in record]
    by_layer = {kind: [[item[f"{kind}_{at}"] for at in range(size.layers)] for item in measured] for kind in KINDS}
    means = {kind: np.mean(values, axis=1).tolist() for kind, values in by_layer.items()}
    accuracy = [item["accuracy"] for item in measured]
    layers = {f"{kind}_by_layer": values for kind, values in by_layer.items()}
    steps = list(range(0, size.steps + 1, size.measure_every))
    return {"accuracy": accuracy[-1], "accuracies": accuracy, "steps": steps, "final_norm": means["norm"][-1]} | (
        means | layers
    )


KINDS = ("norm", "gradient")


def judge(outcome: Outcome) -> list[Verdict]:
    """Every power with the factor as good as softmax, and without it worse; x³/√N within softmax's bound."""
    by_arm = arms(outcome, "attention")
    norm = by_arm[SCALED[3]].sample("final_norm")
    kept = Verdict(
        f"Stricter than the paper: {SCALED[3]} ends its training within softmax's own bound, ‖A‖_F/√N at most 1",
        "‖A‖_F of order √N; √15 of it for scores of unit variance",
        f"{mean_with_spread(norm)}, before training {mean_with_spread(by_arm[SCALED[3]].entry('norm', 0))}; "
        f"without the factor "
        f"{mean_with_spread(by_arm[UNSCALED[3]].sample('final_norm'))}",
        bound_answer(norm, below=1.0),
        f"{SCALED[3]} ends within the bound",
    )
    return [*(item for power in POWERS for item in of_power(by_arm, power)), kept]


def of_power(by_arm: Arms, power: int) -> list[Verdict]:
    """Two claims on accuracy."""
    scaled, bare = SCALED[power], UNSCALED[power]
    softmax, ours, without = (by_arm[name].sample("accuracy") for name in ("softmax", scaled, bare))
    answers = answers_of_power(by_arm, power)
    return [
        Verdict(
            f"{scaled} classifies at least as well as softmax, to within {MARGIN}",
            "comparable or better on ImageNet-1k" if power == 3 else "comparable",
            pair_with_spread(ours, softmax),
            answers[0],
            f"{scaled} as good as softmax",
        ),
        Verdict(
            f"{bare} without the factor classifies worse",
            "it trains poorly",
            pair_with_spread(without, ours),
            answers[1],
            f"{bare} worse than {scaled}",
        ),
    ]


def answers_of_power(by_arm: Arms, power: int) -> list[Answer]:
    """At least as good as softmax with the factor, worse without it; at every budget."""
    arms_of_claims = [by_arm[name] for name in ("softmax", SCALED[power], UNSCALED[power])]
    softmax, ours, without = (arm.sample("accuracy") for arm in arms_of_claims)
    curves = [arm.sample("accuracies") for arm in arms_of_claims]
    steps = next(arm for arm in by_arm.values() if arm.finished).first("steps")
    alike = budget_answer(
        noninferiority_answer(ours, softmax, MARGIN), lead_by_steps(steps, curves[1], curves[0], -MARGIN)
    )
    worse = budget_answer(superiority_answer(ours, without, WORSE), lead_by_steps(steps, curves[1], curves[2]))
    return [
        measurable_answer(alike, [ours, softmax], LEARNED),
        measurable_answer(worse, [ours, without], LEARNED),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Accuracy, norm and gradient, at the end and through training."""
    by_arm: Arms = arms(outcome, "attention")
    steps = outcome.first("steps")
    titled = replace(ACCURACY, title="Accuracy on held-out digits through training")
    return {
        "accuracy": arm_numbers(by_arm, "accuracy", ACCURACY, 1 / CLASSES),
        "accuracy_by_step": arm_curves(by_arm, "accuracies", steps, titled, "step"),
        "norm_by_step": arm_curves(by_arm, "norm", steps, NORM, "step", log_y=True),
        "gradient_by_step": arm_curves(by_arm, "gradient", steps, GRADIENT, "step", log_y=True),
    }


EXPERIMENT = Experiment(
    name="E5",
    title="Does softmax work by bounding the Frobenius norm of attention?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Vision transformers on scikit-learn's digits, a fifth held out by a fixed split; equal steps and rates for "
    "all arms, nothing tuned for one. Fresh weights have a standard deviation of 1/√d_model, so that scores begin near "
    "those of unit variance that the theory is about (at ViT's own 0.02 a cube would begin at nothing). N counts the "
    "patches and the class token. Every run ends after the steps of its size.",
)
