"""Verdict: whether a claim was seen, by a rule that was fixed before looking."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.student import student_quantile

Answer = Literal["reproduced", "not seen", "opposite", "too few seeds", "not measured"]
Sample = Float[np.ndarray, "_"]
CONFIDENCE = 0.95  # on either side
RULE = (
    "Trials of one seed share their data, and their first weights where they can, so arms are compared seed by seed. "
    "A difference is reproduced where the whole 90 % interval of its mean over the seeds (Student's t) lies on the "
    "claimed side of 0, opposite where it lies on the other side, else not seen. 'At least as good' and 'alike' take "
    "the interval against the margin that the claim names. A run that diverged has no number: not measured. The "
    "interval is over seeds of training, on the held-out data there are: it does not say how other data would come "
    "out, and is not widened for the number of claims."
)


@dataclass(frozen=True)
class Verdict:
    """A claim in one sentence, what the paper reports, what was measured here, and the answer."""

    claim: str
    paper: str
    ours: str
    answer: Answer


@dataclass(frozen=True)
class Interval:
    """Where the mean of a sample lies: above low with 95 % confidence, and below high with as much."""

    low: float
    high: float


def interval(sample: Sample) -> Interval:
    """Student's interval of two seeds or more."""
    half = student_quantile(CONFIDENCE, len(sample) - 1) * sample.std(ddof=1) / len(sample) ** 0.5
    return Interval(float(sample.mean() - half), float(sample.mean() + half))


def above_bound_answer(sample: Sample, bound: float) -> Answer:
    """Whether a sample's mean is above a bound."""
    if missing := missing_answer(sample):
        return missing
    result = interval(sample)
    answer: Answer = "reproduced" if result.low > bound else "opposite" if result.high < bound else "not seen"
    return with_reason(answer, result, f"{bound:g}")


def missing_answer(sample: Sample) -> Answer | None:
    """Why nothing can be said, where that is so."""
    if not np.isfinite(sample).all():
        return "not measured"
    return "too few seeds" if len(sample) < 2 else None


def superiority_answer(larger: Sample, smaller: Sample) -> Answer:
    """Whether the first sample is above the second, seed by seed. ValueError for samples of other seeds."""
    return above_bound_answer(paired_differences(larger, smaller), 0.0)


def noninferiority_answer(sample: Sample, other: Sample, margin: float) -> Answer:
    """Whether the first sample is above the second less a margin: at least as good."""
    return above_bound_answer(paired_differences(sample, other), -margin)


def equivalence_answer(item: Sample, other: Sample, margin: float) -> Answer:
    """Whether two samples are no further apart than a margin."""
    apart = paired_differences(item, other)
    if missing := missing_answer(apart):
        return missing
    result = interval(apart)
    if -margin < result.low and result.high < margin:
        return with_reason("reproduced", result, f"±{margin:g}")
    is_apart = result.low > margin or result.high < -margin
    return with_reason("opposite" if is_apart else "not seen", result, f"±{margin:g}")


def bound_answer(sample: Sample, *, below: float | None = None, above: float | None = None) -> Answer:
    """Whether a sample's mean is below, or above, a bound."""
    if (below is None) == (above is None):
        raise ValueError(f"bounded takes one bound, below or above; got below={below} and above={above}")
    if missing := missing_answer(sample):
        return missing
    edge = float(above if below is None else below)  # type: ignore[arg-type]
    bound = np.full_like(sample, edge)
    answer = superiority_answer(bound, sample) if above is None else superiority_answer(sample, bound)
    return with_reason(answer, interval(sample), f"{edge:g}")


def paired_differences(item: Sample, other: Sample) -> Sample:
    """The differences, seed by seed."""
    if item.shape != other.shape:
        raise ValueError(f"two samples are compared seed by seed; these have {len(item)} and {len(other)}")
    return item - other


def all_of(answers: list[Answer]) -> Answer:
    """The answer to a claim of several parts: reproduced or opposite only where every part is."""
    for answer in ("not measured", "too few seeds"):
        if answer in answers:
            return answer
    whole: Answer = answers[0] if len(set(answers)) == 1 else "not seen"
    return cast(Answer, ReasonedAnswer(whole, "; ".join(filter(None, map(reason_of, answers)))))


class ReasonedAnswer(str):
    """An answer that knows the interval and the bound that it was read off."""

    reason: str

    def __new__(cls, answer: str, reason: str) -> "ReasonedAnswer":
        """The answer with these words."""
        item = super().__new__(cls, answer)
        item.reason = reason
        return item

    def __reduce__(self) -> tuple[type["ReasonedAnswer"], tuple[str, str]]:
        """What a copy of it is made of."""
        return ReasonedAnswer, (str(self), self.reason)


def with_reason(answer: Answer, result: Interval, bound: str) -> Answer:
    """An answer with its interval and its bound."""
    return cast(Answer, ReasonedAnswer(answer, f"{result.low:.3g} … {result.high:.3g}, bound {bound}"))


def reason_of(answer: str) -> str:
    """The interval and the bound of an answer; nothing where it was read off none."""
    return answer.reason if isinstance(answer, ReasonedAnswer) else ""


def mean_with_spread(sample: Sample, digits: int = 3) -> str:
    """Mean ± standard deviation over the seeds: 3.051 ± 0.004; one seed alone has no spread."""
    if len(sample) == 1:
        return f"{sample.mean():.{digits}g}"
    return f"{sample.mean():.{digits}g} ± {sample.std(ddof=1):.2g}"
