"""Claim intervals: those of all claims on one axis, whatever their units, and how many answers to expect by chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.arms.evidence import Evidence, evidence_behind
from headscope.interp.arms.power import CONFIDENCE
from headscope.interp.arms.verdict import Verdict
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

ABOUT = About(
    title="The claims and their intervals",
    unit="margins m of the claim; open marks: standard deviations σ over the seeds; band: ±1",
    law="mean over the seeds with its 90 % interval, less the bound, counted towards the claim",
    source="headscope; two one-sided tests: Schuirmann 1987",
    plain="How far to the side of its claim each difference lies. Right of its bound a claim is reproduced, left of it "
    "it is opposite; an interval within the band is no difference that matters. Differences stand at 0 where there is "
    "none, numbers that have a bound stand at 0 where they are at it.",
)


@dataclass(frozen=True, repr=False)
class ClaimIntervals(Result):
    """Mean and interval of every part of every claim, towards the claim, over its scale; bound: where it holds.

    bound has two entries where a claim says alike, else its second is NaN. answers: those of the claims. scales: m or
    σ, what a part was divided by.
    """

    drawn_by = "arms.claims:forest_figure"

    mean: Float[Tensor, "claim"]
    low: Float[Tensor, "claim"]
    high: Float[Tensor, "claim"]
    bound: Float[Tensor, "claim bound"]
    answers: tuple[str, ...]
    scales: tuple[str, ...]


def claim_intervals(verdicts: Mapping[str, Sequence[Verdict]]) -> ClaimIntervals:
    """The intervals of all claims that have some, by experiment. ValueError where none has."""
    parts = [
        (f"{experiment} {verdict.name}{f', {at}' if at else ''}", str(verdict.answer), evidence)
        for experiment, of_experiment in verdicts.items()
        for verdict in of_experiment
        for at, evidence in evidence_by_part(evidence_behind(verdict.answer))
    ]
    if not parts:
        raise ValueError("no claim has an interval: that takes two seeds")
    names, answers, evidence = zip(*parts, strict=True)
    numbers = torch.tensor([standard_numbers(item) for item in evidence])
    scales = tuple("m" if item.margin else "σ" for item in evidence)
    mean, low, high = numbers[:, :3].unbind(1)
    return ClaimIntervals(mean, low, high, numbers[:, 3:], answers, scales, about=ABOUT, labels={"claim": names})


def evidence_by_part(evidence: Sequence[Evidence]) -> list[tuple[int, Evidence]]:
    """The parts of a claim from 1; 0 for one that has no others."""
    return [(at if len(evidence) > 1 else 0, item) for at, item in enumerate(evidence, start=1)]


def standard_numbers(evidence: Evidence) -> tuple[float, ...]:
    """Mean, low, high and the two bounds, towards the claim, over the unit of the evidence."""
    sign = -1 if evidence.side == "below" else 1
    ends = sorted(sign * (end - evidence.reference) for end in (evidence.interval.low, evidence.interval.high))
    bound = evidence.bound - evidence.reference
    bounds = [-bound, bound] if evidence.side == "within" else [sign * bound, float("nan")]
    values = [sign * (evidence.mean - evidence.reference), *ends, *bounds]
    return tuple(value / evidence.unit for value in values)


def chance_answers(verdicts: Sequence[Verdict]) -> float:
    """How many claims at most would be reproduced by chance where nothing is there, and as many opposite."""
    return (1 - CONFIDENCE) * sum(bool(evidence_behind(verdict.answer)) for verdict in verdicts)


def chance_words(verdicts: Sequence[Verdict]) -> str:
    """The same in a sentence."""
    count = sum(bool(evidence_behind(verdict.answer)) for verdict in verdicts)
    return (
        f"Where nothing is there, the rule answers reproduced to at most {1 - CONFIDENCE:.0%} of all claims, and "
        f"opposite to as many: of these {count}, {chance_answers(verdicts):.2g} each by chance."
    )
