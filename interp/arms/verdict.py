"""Verdict: whether a claim was seen, by a rule that was fixed before looking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headscope.interp.arms.evidence import (
    Answer,
    Evidence,
    Sample,
    answer_with_evidence,
    evidence_behind,
    evidence_of,
    notes_beside,
)
from headscope.interp.arms.margin import Floor, Margin

RULE = (
    "Trials of one seed share their data, and their first weights where they can, so arms are compared seed by seed. "
    "A difference is reproduced where the whole 90 % interval of its mean over the seeds (Student's t) lies on the "
    "claimed side of 0, and opposite where it lies on the other side. 'At least as good' and 'alike' take the interval "
    "against the margin that the claim names. Where neither holds and the whole interval lies within ± the margin m of "
    "the claim, there is no difference larger than ±m (two one-sided tests); else it is not seen, and the number of "
    "seeds stands beside it that would see it in 80 % of all cases. An answer that is opposite at the end and "
    "reproduced at an earlier budget, or the other way round, depends on the budget; earlier budgets are judged at 5 % "
    "for all of them together. Where no arm reaches the floor that the claim names, it is not measurable, whatever "
    "else. A run that diverged has no number: not measured. Margins m and floors were fixed after the first results "
    "were shipped, and before these were judged by them. The interval is over seeds of training, on the held-out data "
    "there are: it does not say how other data would come out, and is not widened for the number of claims."
)
DECISIVE: tuple[Answer, ...] = ("not measured", "too few seeds", "not measurable")  # what a part decides for the whole


@dataclass(frozen=True)
class Verdict:
    """A claim in one sentence, what the paper reports, what was measured here, the answer, and the claim's name.

    name: the claim in a few words, for tables that fit a screen.
    """

    claim: str
    paper: str
    ours: str
    answer: Answer
    name: str


def missing_answer(sample: Sample) -> Answer | None:
    """Why nothing can be said, where that is so."""
    if not np.isfinite(sample).all():
        return "not measured"
    return "too few seeds" if len(sample) < 2 else None


def above_bound_answer(sample: Sample, bound: float, margin: Margin | None = None) -> Answer:
    """Whether a sample's mean is above a bound, or no further from it than a margin."""
    if missing := missing_answer(sample):
        return missing
    return side_answer(evidence_of(sample, bound, "above", margin and margin.size), margin)


def side_answer(evidence: Evidence, margin: Margin | None) -> Answer:
    """On which side of its bound a mean is."""
    sign = -1 if evidence.side == "below" else 1
    low, high = sorted(sign * (end - evidence.bound) for end in (evidence.interval.low, evidence.interval.high))
    is_small = margin is not None and -margin.size < low and high < margin.size
    notes = (f"the margin: {margin.reason}",) if margin else ()
    if low > 0 or high < 0:
        notes += ("all of the interval lies within the margin",) if is_small else ()
    if low > 0:
        return answer_with_evidence("reproduced", (evidence,), notes)
    if high < 0:
        return answer_with_evidence("opposite", (evidence,), notes)
    if is_small:
        return answer_with_evidence("no difference", (evidence,), notes)
    return answer_with_evidence("not seen", (evidence,), notes)


def superiority_answer(larger: Sample, smaller: Sample, margin: Margin | None = None) -> Answer:
    """Whether the first sample is above the second, seed by seed. ValueError for samples of other seeds."""
    return above_bound_answer(paired_differences(larger, smaller), 0.0, margin)


def noninferiority_answer(sample: Sample, other: Sample, margin: float) -> Answer:
    """Whether the first sample is above the second less a margin: at least as good."""
    apart = paired_differences(sample, other)
    return missing_answer(apart) or side_answer(evidence_of(apart, -margin, "above", margin), None)


def equivalence_answer(item: Sample, other: Sample, margin: float) -> Answer:
    """Whether two samples are no further apart than a margin."""
    apart = paired_differences(item, other)
    if missing := missing_answer(apart):
        return missing
    evidence = evidence_of(apart, margin, "within", margin)
    low, high = evidence.interval.low, evidence.interval.high
    is_apart = low > margin or high < -margin
    answer: Answer = "reproduced" if -margin < low and high < margin else "opposite" if is_apart else "not seen"
    return answer_with_evidence(answer, (evidence,))


def bound_answer(
    sample: Sample, *, below: float | None = None, above: float | None = None, margin: Margin | None = None
) -> Answer:
    """Whether a sample's mean is below, or above, a bound. ValueError for none and for two."""
    if (below is None) == (above is None):
        raise ValueError(f"bounded takes one bound, below or above; got below={below} and above={above}")
    if above is not None:
        return above_bound_answer(sample, above, margin)
    assert below is not None  # one of the two is there
    return missing_answer(sample) or side_answer(evidence_of(sample, below, "below", margin and margin.size), margin)


def paired_differences(item: Sample, other: Sample) -> Sample:
    """The differences, seed by seed."""
    if item.shape != other.shape:
        raise ValueError(f"two samples are compared seed by seed; these have {len(item)} and {len(other)}")
    return item - other


def measurable_answer(answer: Answer, arms: Sequence[Sample], floor: Floor) -> Answer:
    """The answer, or 'not measurable' where the mean of every arm is below the floor."""
    means = [float(arm.mean()) for arm in arms]
    if answer in DECISIVE or any(mean >= floor.least for mean in means):
        return answer
    note = f"{floor.number}: {', '.join(f'{mean:.3g}' for mean in means)}; floor {floor.least:.3g}: {floor.reason}"
    return answer_with_evidence("not measurable", evidence_behind(answer), (note,))


def all_of(answers: Sequence[Answer]) -> Answer:
    """The answer to a claim of several parts: what each part answers, where they agree, else not seen."""
    for answer in DECISIVE:
        if answer in answers:
            return answer
    whole: Answer = answers[0] if len(set(answers)) == 1 else "not seen"
    evidence = tuple(item for answer in answers for item in evidence_behind(answer))
    return answer_with_evidence(whole, evidence, tuple(note for answer in answers for note in notes_beside(answer)))


def answer_in_words(answer: Answer) -> str:
    """An answer with the margin that it names: 'no difference larger than ±0.05'."""
    margins = {item.margin for item in evidence_behind(answer)}
    if answer != "no difference" or len(margins) != 1:
        return str(answer)
    return f"no difference larger than ±{margins.pop():g}"


def mean_with_spread(sample: Sample, digits: int = 3) -> str:
    """Mean ± standard deviation over the seeds: 3.051 ± 0.004; one seed alone has no spread."""
    if len(sample) == 1:
        return f"{sample.mean():.{digits}g}"
    return f"{sample.mean():.{digits}g} ± {sample.std(ddof=1):.2g}"


def pair_with_spread(item: Sample, other: Sample, *, digits: int = 3) -> str:
    """Two samples beside each other: 3.051 ± 0.004 against 3.12 ± 0.01."""
    return f"{mean_with_spread(item, digits)} against {mean_with_spread(other, digits)}"
