"""Evidence: the interval that an answer was read off, its bound and margin, and what is said beside it."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.power import CONFIDENCE, MOST_SEEDS, POWER, needed_seeds
from headscope.interp.arms.student import student_quantile

Answer = Literal[
    "reproduced",
    "opposite",
    "no difference",
    "not seen",
    "depends on budget",
    "not measurable",
    "too few seeds",
    "not measured",
]
Side = Literal["above", "below", "within"]  # of the bound, where the claim holds
Sample = Float[np.ndarray, "_"]


@dataclass(frozen=True)
class Interval:
    """Where the mean of a sample lies: above low with 95 % confidence, and below high with as much."""

    low: float
    high: float


def interval(sample: Sample, confidence: float = CONFIDENCE) -> Interval:
    """Student's interval of two seeds or more; confidence: on either side."""
    half = student_quantile(confidence, len(sample) - 1) * sample.std(ddof=1) / len(sample) ** 0.5
    return Interval(float(sample.mean() - half), float(sample.mean() + half))


@dataclass(frozen=True)
class Evidence:
    """A sample over seeds with its interval, in the unit of the claim.

    spread: standard deviation over the seeds. side, bound: where the claim holds; within: inside of ± the bound.
    margin: the difference from the bound that matters, where the claim names one.
    """

    mean: float
    interval: Interval
    spread: float
    seeds: int
    bound: float
    side: Side = "above"
    margin: float | None = None

    @property
    def words(self) -> str:
        """The interval and the bound: '-0.01 … 0.02, bound 0, margin ±0.05'."""
        sign = "±" if self.side == "within" else ""
        margin = f", margin ±{self.margin:g}" if self.margin and self.side != "within" else ""
        return f"{self.interval.low:.3g} … {self.interval.high:.3g}, bound {sign}{self.bound:g}{margin}"

    @property
    def is_open(self) -> bool:
        """Whether an edge of where the claim holds lies within the interval, so that neither side is seen."""
        edges = (-self.bound, self.bound) if self.side == "within" else (self.bound,)
        return any(self.interval.low <= edge <= self.interval.high for edge in edges)

    @property
    def power_words(self) -> str:
        """How many seeds would see the claim in 80 % of all cases, if they spread as these do; "" without a spread."""
        is_within = self.side == "within"
        effect = self.margin or abs(self.mean - self.bound)
        if not (self.spread > 0 and effect > 0):
            return ""
        seeds = needed_seeds(effect / self.spread, is_within=is_within)
        why = "the margin" if self.margin else "as measured"
        what = f"to see nothing beyond {effect:.3g}" if is_within else f"at {effect:.3g} ({why}) from the bound"
        return f"{POWER:.0%} power {what}: {seeds or f'more than {MOST_SEEDS:,}'} seeds"

    @property
    def reference(self) -> float:
        """What is 0 where claims are drawn beside one another: no difference, or the bound of a number that is none."""
        return 0.0 if self.side == "within" or (self.margin and self.bound == -self.margin) else self.bound

    @property
    def unit(self) -> float:
        """What is 1 there: the margin, else the spread over the seeds, or where they are all equal their distance."""
        return self.margin or self.spread or abs(self.mean - self.bound) or 1.0


def evidence_of(sample: Sample, bound: float, side: Side = "above", margin: float | None = None) -> Evidence:
    """The evidence of a sample of two seeds or more."""
    spread = float(sample.std(ddof=1))
    return Evidence(float(sample.mean()), interval(sample), spread, len(sample), bound, side, margin)


class ReasonedAnswer(str):
    """An answer that knows what it was read off, of each part of its claim, and what is said beside it."""

    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]

    def __new__(cls, answer: str, evidence: tuple[Evidence, ...], notes: tuple[str, ...] = ()) -> "ReasonedAnswer":
        """The answer with these."""
        item = super().__new__(cls, answer)
        item.evidence, item.notes = evidence, notes
        return item

    def __reduce__(self) -> tuple[type["ReasonedAnswer"], tuple[str, tuple[Evidence, ...], tuple[str, ...]]]:
        """What a copy of it is made of."""
        return ReasonedAnswer, (str(self), self.evidence, self.notes)


def answer_with_evidence(answer: Answer, evidence: tuple[Evidence, ...], notes: tuple[str, ...] = ()) -> Answer:
    """An answer with what it was read off."""
    return cast(Answer, ReasonedAnswer(answer, evidence, notes))


def evidence_behind(answer: str) -> tuple[Evidence, ...]:
    """What an answer was read off; nothing where it was read off no interval."""
    return answer.evidence if isinstance(answer, ReasonedAnswer) else ()


def notes_beside(answer: str) -> tuple[str, ...]:
    """What is said beside an answer: the reason of its margin, its floor, where a sign changes."""
    return answer.notes if isinstance(answer, ReasonedAnswer) else ()


def power_beside(answer: str) -> tuple[str, ...]:
    """Beside what is not seen, the seeds that each part which is open would need."""
    parts = evidence_behind(answer) if answer == "not seen" else ()
    return tuple(filter(None, (item.power_words for item in parts if item.is_open)))


def reason_of(answer: str) -> str:
    """Intervals, bounds, notes and the seeds that are needed in a line; nothing where there is no interval."""
    return "; ".join([*(item.words for item in evidence_behind(answer)), *notes_beside(answer), *power_beside(answer)])
