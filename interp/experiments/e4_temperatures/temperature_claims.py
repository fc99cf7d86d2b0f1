"""The claims of E4 and the rules by which they are answered."""

from dataclasses import dataclass, replace

import numpy as np

from headscope.interp.arms.arms import arms
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.margin import SHARE, Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e4_temperatures.temperature_trials import TASKS
from headscope.interp.experiments.e4_temperatures.tempering_rates import at_best_rate
from headscope.interp.experiments.e4_temperatures.tempering_trials import PARTS

NATS = Margin(0.015, "half of the 3 % of perplexity that the paper gains on language")
WIDER = Margin(0.05, "a twentieth of the slope of rows that are as wide as they should be, 1")
WIDENS = Floor(0.3, "slope", "below it rows do not follow what the query calls for, where 1 is right")
FINDS = Floor(1 / TASKS["passkeys"].keys + SHARE.size, "share of keys found", "chance and the margin")


@dataclass(frozen=True)
class Claim:
    """A claim about one number: its name, its sentence, what the paper says, and the margin of that number."""

    name: str
    sentence: str
    paper: str
    margin: Margin


LOSS = Claim("denoising: lower loss", "Denoising: selective attention comes closer to the least loss", "it does", NATS)
NOISE = Claim("denoising: less noise moved", "Denoising: less of what its first layer moves is noise", "it is", SHARE)
GRAPH = Claim("graph: lower loss", "Graph: it comes closer to the least loss", "it does", NATS)
ROWS = Claim("graph: rows widen more", "Graph: its rows widen more with what the query calls for", "they do", WIDER)
KEYS = Claim("passkeys: more found", "Passkeys: it finds more at the longest n", "it does", SHARE)
FOCUS = Claim(
    "passkeys: sharper head", "Passkeys: max b of its sharpest head is larger at the longest n", "it is", SHARE
)
OWN = Claim(
    "tempering: lower loss",
    "Fine-tuned in: temperatures alone lower the loss of trained softmax models",
    "they do",
    NATS,
)
GAINS = Claim(
    "tempering: more than norm gains",
    "Fine-tuned in: they take more off the loss than about as many norm gains, each at its own best rate",
    "—",
    NATS,
)


def judge(outcome: Outcome) -> list[Verdict]:
    """Less noise, rows as wide as they should be, keys found, few parameters, and temperatures learned afterwards."""
    result = {task: arms(outcome.where(task=task), "variant") for task in TASKS}

    def pair(task: str, number: str, at: int | None = None) -> tuple[Sample, Sample]:
        both = [result[task][variant] for variant in ("selective", "softmax")]
        selective, softmax = [arm.sample(number) if at is None else arm.entry(number, at) for arm in both]
        return selective, softmax

    rows, keys = pair("neighbours", "slope"), pair("passkeys", "found", -1)
    return [
        lower(LOSS, pair("denoising", "excess")),
        lower(NOISE, pair("denoising", "noise_share")),
        lower(GRAPH, pair("neighbours", "excess")),
        above_floor(higher(ROWS, rows), rows, WIDENS),
        above_floor(higher(KEYS, keys), keys, FINDS),
        above_floor(higher(FOCUS, pair("passkeys", "max_b", -1)), keys, FINDS),
        cost_verdict(largest_cost(outcome.where(variant="selective"))),
        *tempering_claims(outcome.where(task="tempering")),
    ]


def tempering_claims(outcome: Outcome) -> list[Verdict]:
    """Temperatures lower the loss of models of every seed, and more than as many norm gains, each at its best rate."""
    temperatures, gains = (outcome.where(learned=learned) for learned in PARTS)
    gained = at_best_rate(temperatures, "gained")
    return [lowered(OWN, temperatures), higher(GAINS, (gained, at_best_rate(gains, "gained")))]


def lowered(claim: Claim, outcome: Outcome) -> Verdict:
    """A claim that losses are lower after than before."""
    after, before, gained = (at_best_rate(outcome, name) for name in ("loss_after", "loss_before", "gained"))
    ours = f"{mean_with_spread(after, 4)} after {mean_with_spread(before, 4)}; taken off: {mean_with_spread(gained)}"
    answer = superiority_answer(before, after, claim.margin)
    return Verdict(claim.sentence, claim.paper, ours, answer, claim.name)


def largest_cost(outcome: Outcome) -> Sample:
    """New parameters in percent, of each seed's model that has the most."""
    percent, seeds = outcome.sample("percent"), np.array([item.trial.seed for item in outcome.trials])
    return np.array([percent[seeds == seed].max() for seed in np.unique(seeds)])


def cost_verdict(percent: Sample) -> Verdict:
    """A claim on how many parameters are new."""
    answer = bound_answer(percent, below=0.5)
    ours = f"{mean_with_spread(percent)} %"
    return Verdict("It costs less than 0.5 % parameters", "< 0.5 %", ours, answer, "few parameters")


def lower(claim: Claim, pair: tuple[Sample, Sample]) -> Verdict:
    """A claim that the first sample is below the second."""
    ours, other = pair
    answer = superiority_answer(other, ours, claim.margin)
    return Verdict(claim.sentence, claim.paper, pair_with_spread(*pair, digits=4), answer, claim.name)


def higher(claim: Claim, pair: tuple[Sample, Sample]) -> Verdict:
    """A claim that the first sample is above the second."""
    answer = superiority_answer(*pair, claim.margin)
    return Verdict(claim.sentence, claim.paper, pair_with_spread(*pair, digits=4), answer, claim.name)


def above_floor(verdict: Verdict, pair: tuple[Sample, Sample], floor: Floor) -> Verdict:
    """The verdict, if one arm reaches the floor."""
    return replace(verdict, answer=measurable_answer(verdict.answer, pair, floor))
