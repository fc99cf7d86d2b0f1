"""E11: a temperature of values removes noise that no line tells from the signal; softmax attention cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch

from headscope.interp.arms.arms import arm_numbers, arms
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    all_of,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e11_denoising.noisy_prompts import NoisyPrompts, PromptDesign, squared_error
from headscope.interp.experiments.e11_denoising.one_layer import OneLayer
from headscope.interp.experiments.engine.adam_training import chosen_rate, train_by_adam
from headscope.interp.experiments.engine.experiment import PAPER, Experiment, Watch
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "Zhang et al. 2024 (2411.12892), value temperatures on a denoising task"
NAIVE = "naive mean"
ARMS = ("softmax", "selective", NAIVE)
OF_BAYES = Margin(0.05, "a twentieth of the error of Bayes")
LEARNS = Floor(0.1, "share of the naive mean's excess that is taken off", "below it no layer has learned the task")
RATIO = About(
    title="Error over that of Bayes",
    unit="errors of the Bayes estimator",
    law="Σ ‖θ̂ − θ‖² / Σ ‖E[θ | prompt] − θ‖² on held-out prompts",
    source=SOURCE,
    plain="How much worse each estimator is than the best there can be; 1 is as good.",
)


@dataclass(frozen=True)
class DenoisingSize:
    """The prompts, as of PromptDesign; width of the head, steps, prompts of a step, held-out prompts; rates, as E10."""

    tokens: int
    relevant: int
    d_signal: int
    sigma: float
    d_head: int
    steps: int
    batch: int
    measured: int
    rates: tuple[float, ...]
    rate_seeds: int

    @property
    def design(self) -> PromptDesign:
        """The design of its prompts."""
        return PromptDesign(self.tokens, self.relevant, self.d_signal, self.sigma)


SIZES = {
    "smoke": DenoisingSize(8, 4, 2, 1.0, 8, 5, 8, 64, (0.01, 0.03), 1),
    "default": DenoisingSize(32, 8, 8, 1.0, 16, 600, 64, 4096, (0.01, 0.03, 0.1), 2),
    "full": DenoisingSize(128, 16, 32, 1.0, 64, 20_000, 256, 16_384, (0.001, 0.003, 0.01, 0.03), 10),
}


def trials(size: DenoisingSize, seeds: int) -> list[Trial]:
    """Both layers from equal weights on the same prompts, and the naive mean."""
    return [Trial({"estimator": name}, seed) for seed in range(seeds) for name in ARMS]


def measure(trial: Trial, size: DenoisingSize, place: Place, watch: Watch) -> Numbers:
    """The error of the trial's estimator on held-out prompts, over that of the Bayes estimator on the same."""
    name, prompts = str(trial.condition["estimator"]), held_out_prompts(size, trial.seed)
    watch(f"training {trial.key}", 0, 1)
    bayes = squared_error(size.design.bayes(prompts), prompts.signal).item()
    if name == NAIVE:
        error = squared_error(size.design.naive_mean(prompts), prompts.signal).item()
        return {"ratio": error / bayes, "bayes": bayes}
    rate = rate_of(name, size)
    error = layer_error(trained_layer(name, size, rate, trial.seed), prompts)
    return {"ratio": error / bayes, "bayes": bayes, "rate": rate}


@cache
def rate_of(variant: str, size: DenoisingSize) -> float:
    """The rate of a variant, by the error on prompts of other seeds."""

    def loss_of(rate: float, seed: int) -> float:
        return layer_error(trained_layer(variant, size, rate, seed), held_out_prompts(size, seed))

    return chosen_rate(loss_of, size.rates, size.rate_seeds)


def held_out_prompts(size: DenoisingSize, seed: int) -> NoisyPrompts:
    """The prompts of a seed that no layer is trained on."""
    return size.design.drawn(size.measured, torch.Generator().manual_seed(2 * seed + 1))


def trained_layer(variant: str, size: DenoisingSize, rate: float, seed: int) -> OneLayer:
    """A layer after the last step, every step on new prompts. FloatingPointError where it diverges."""
    dice, design = torch.Generator().manual_seed(2 * seed), size.design
    layer = OneLayer(variant, design.d_token, size.d_head, design.d_signal, dice)

    prompts = design.drawn(size.steps * size.batch, dice)
    batches = list(zip(prompts.tokens.split(size.batch), prompts.signal.split(size.batch), strict=True))

    def loss_at(step: int) -> torch.Tensor:
        tokens, signal = batches[step]
        return squared_error(layer(tokens), signal)

    train_by_adam(layer, loss_at, size.steps, rate)
    return layer


@torch.no_grad()
def layer_error(layer: OneLayer, prompts: NoisyPrompts) -> float:
    """The mean squared error of a layer."""
    return squared_error(layer(prompts.tokens), prompts.signal).item()


def judge(outcome: Outcome) -> list[Verdict]:
    """Softmax above Bayes, selective nearer to it, both below the naive mean."""
    softmax, selective, naive = (outcome.where(estimator=name).sample("ratio") for name in ARMS)
    taken_off = [(naive - arm) / (naive - 1) for arm in (softmax, selective)]
    beaten = all_of([superiority_answer(naive, arm, OF_BAYES) for arm in (softmax, selective)])
    return [
        Verdict(
            "One layer of softmax attention stays above the error of Bayes",
            "it does",
            mean_with_spread(softmax),
            measurable_answer(bound_answer(softmax, above=1.0, margin=OF_BAYES), taken_off, LEARNS),
            "values: softmax above Bayes",
        ),
        Verdict(
            "With value temperatures it comes nearer to Bayes",
            "it does",
            pair_with_spread(selective, softmax),
            measurable_answer(superiority_answer(softmax, selective, OF_BAYES), taken_off, LEARNS),
            "values: selective nearer to Bayes",
        ),
        Verdict(
            "Both beat the naive mean of all tokens",
            "they do",
            f"{pair_with_spread(softmax, naive)}; {pair_with_spread(selective, naive)}",
            beaten,
            "values: both beat the naive mean",
        ),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Errors of all estimators beside that of Bayes."""
    return {"error": arm_numbers(arms(outcome, "estimator"), "ratio", RATIO, 1.0, "Bayes")}


EXPERIMENT = Experiment(
    name="E11",
    title="Do temperatures of values remove noise that softmax attention cannot?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="The set-up of the paper is followed as far as it is known to us, which is its statement; all constants are "
    "ours. A prompt has a signal of its own; relevant tokens, of which every prompt has as many, show it with noise, "
    "the others noise of the same variance. Two marks ±1 of each token tell which it is by their product, a property "
    "that is not linear in the token. So the Bayes estimator is the mean of the relevant tokens, shrunk by a factor, "
    "and is computed exactly; the naive mean has the factor that is best for it. One layer, one head, one learned "
    "query, no MLP, equal weights at the start; selective has τ_v = 1 + tanh(wᵀ GELU(W_V x)) besides. A softmax layer "
    "may read one of the two pairs of marks that relevant tokens have, and so half of them. Adam on new prompts every "
    "step, equally many, at a rate that falls to 0; that of each variant is the one with the least error on other "
    "seeds, of those that the size names.",
    setting=PAPER,
    seeds=100,
)
