"""E4: selective attention controls sparsity per query, suppresses noise, is cheap, and can be fine-tuned in."""

import numpy as np

from headscope.interp.arms.arms import arms
from headscope.interp.arms.margin import SHARE, Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Sample, Verdict, bound_answer, mean_with_spread, superiority_answer
from headscope.interp.experiments.e4_temperatures.temperature_results import SOURCE, results
from headscope.interp.experiments.e4_temperatures.temperature_sizes import SIZES
from headscope.interp.experiments.e4_temperatures.temperature_trials import TASKS, measure, trials
from headscope.interp.experiments.engine.experiment import Experiment

NATS = Margin(0.015, "half of the 3 % of perplexity that the paper gains on language")
WIDER = Margin(0.05, "a twentieth of the slope of rows that are as wide as they should be, 1")
WIDENS = Floor(0.3, "slope", "below it rows do not follow what the query calls for, where 1 is right")
FINDS = Floor(1 / TASKS["passkeys"].keys + SHARE.size, "share of keys found", "chance and the margin")


def judge(outcome: Outcome) -> list[Verdict]:
    """Less noise, rows as wide as they should be, keys found, few parameters, and temperatures learned afterwards."""
    result = {task: arms(outcome.where(task=task), "variant") for task in TASKS}

    def pair(task: str, number: str, at: int | None = None) -> tuple[Sample, Sample]:
        samples = [result[task][variant].sample(number) for variant in ("selective", "softmax")]
        selective, softmax = samples if at is None else [item[:, at] for item in samples]
        return selective, softmax

    percent = largest_cost(outcome.where(variant="selective"))
    return [
        lower("Denoising: selective attention comes closer to the least loss", pair("denoising", "excess"), "it does"),
        lower("Denoising: less of what its first layer moves is noise", pair("denoising", "noise_share"), "it is"),
        lower("Graph: it comes closer to the least loss", pair("neighbours", "excess"), "it does"),
        higher("Graph: its rows widen more with what the query calls for", pair("neighbours", "slope"), "they do"),
        higher("Passkeys: it finds more at the longest n", pair("passkeys", "found", -1), "it does"),
        higher(
            "Passkeys: max b of its sharpest head is larger at the longest n", pair("passkeys", "max_b", -1), "it is"
        ),
        Verdict(
            "It costs less than 0.5 % parameters",
            "< 0.5 %",
            f"{mean_with_spread(percent)} %",
            bound_answer(percent, below=0.5),
        ),
        *tempering_claims(outcome.where(task="tempering")),
    ]


def tempering_claims(outcome: Outcome) -> list[Verdict]:
    """Temperatures lower the loss of the shipped model, of models of every seed, and more than as many norm gains."""
    tempered = outcome.where(learned="temperatures")
    shipped, own = tempered.where(model="shipped"), tempered.where(model="own")
    gains = [item.sample("gained") for item in (own, outcome.where(learned="norm gains"))]
    words = "Fine-tuned in: temperatures alone lower the shipped model's loss, its only new parameters"
    return [
        lowered(f"{words} ({new_of_all(shipped)})", shipped),
        lowered("Fine-tuned in: they lower the loss of models of several seeds", own),
        higher("Fine-tuned in: they take more off the loss than about as many norm gains", (gains[0], gains[1]), "—"),
    ]


def new_of_all(outcome: Outcome) -> str:
    """How many parameters are new, of how many."""
    new, parameters = (np.nanmax(outcome.sample(number)) for number in ("new_parameters", "parameters"))
    return f"{new:,.0f} of {parameters:,.0f}"


def lowered(claim: str, outcome: Outcome) -> Verdict:
    """A claim that losses are lower after than before."""
    after, before = outcome.sample("loss_after"), outcome.sample("loss_before")
    gained = mean_with_spread(outcome.sample("gained"))
    ours = f"{mean_with_spread(after, 4)} after {mean_with_spread(before, 4)}; taken off: {gained}"
    return Verdict(claim, "they do", ours, superiority_answer(before, after))


def largest_cost(outcome: Outcome) -> Sample:
    """New parameters in percent, of each seed's model that has the most."""
    percent, seeds = outcome.sample("percent"), np.array([item.trial.seed for item in outcome.trials])
    return np.array([percent[seeds == seed].max() for seed in np.unique(seeds)])


def lower(claim: str, pair: tuple[Sample, Sample], paper: str) -> Verdict:
    """A claim that the first sample is below the second."""
    ours, other = pair
    return Verdict(
        claim,
        paper,
        f"{mean_with_spread(ours, 4)} against {mean_with_spread(other, 4)}",
        superiority_answer(other, ours),
    )


def higher(claim: str, pair: tuple[Sample, Sample], paper: str) -> Verdict:
    """A claim that the first sample is above the second."""
    ours, other = pair
    return Verdict(
        claim,
        paper,
        f"{mean_with_spread(ours, 4)} against {mean_with_spread(other, 4)}",
        superiority_answer(ours, other),
    )


EXPERIMENT = Experiment(
    name="E4",
    title="Do learned temperatures control sparsity, suppress noise, and can they be added later?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Two-layer Llamas of width 64 with RoPE, softmax and selective in all layers from equal weights, none tuned "
    "for either. Denoising: three of four tokens are noise, the others name the row's class or err; the class is "
    "asked for after each token. Graph: all 64 nodes in a random order; after each, one of its neighbours seen "
    "before, of which it has 1 to 32. Passkeys: one key in n − 1 tokens of filler, trained at n = 128. These are "
    "our versions of the paper's tasks. Tempering: trained softmax models learn temperatures alone, positional "
    "ones from σ(α) = .0025, so that little changes at first: the shipped model, whose seeds differ in the order "
    "of the text alone, and the softmax model of each seed that E7 trains at the size of the same name. As a "
    "control E7's models stay softmax and learn the gains of the norms inside their layers instead, 2 d_model a "
    "layer beside 2 d_model + 2 temperatures: with the same steps, rate and windows in the same order. The held-"
    "out windows were met neither now nor when the models were trained, as long as Python is the version that "
    "they were trained under: its library is the text. The half percent is counted in all selective models, small"
    " ones too.",
)
